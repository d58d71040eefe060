"""Containers as the engine describes them, and what the program makes of them."""

from __future__ import annotations

from typing import Any

from deployer.registrator.container import read_container
from deployer.registrator.flags import Options, read_flags
from deployer.registrator.network import Host
from deployer.registrator.services import Found, Service, services

HOST = Host("slave", "203.0.113.11", "ENGINE")
ID = "0123456789abcdef" * 4
URI = "consul://localhost:8500"


def box(  # noqa: PLR0917 - a container has many sides
    ports: dict[str, Any] | None = None,
    env: dict[str, str] | None = None,
    labels: dict[str, str] | None = None,
    image: str = "library/nginx:1.27",
    mode: str = "default",
    networks: dict[str, Any] | None = None,
    exposed: tuple[str, ...] = (),
    name: str = "web",
    id_: str = ID,
    state: dict[str, Any] | None = None,
    config: dict[str, Any] | None = None,
) -> dict[str, Any]:
    """`ports`: `{"80/tcp": "8080"}`, `{"80/tcp": ["127.0.0.1:8080", ...]}` or `{"80/tcp": None}`; `networks`: address by name."""
    default = {} if mode == "host" else {"bridge": "172.17.0.2"}
    return {
        "Id": id_,
        "Name": f"/{name}",
        "Config": {
            "Image": image,
            "Env": [f"{key}={value}" for key, value in (env or {}).items()],
            "Labels": labels or {},
            "ExposedPorts": {port: {} for port in (*exposed, *(ports or {}))},
            **(config or {}),
        },
        "State": {
            "Status": "running",
            "Running": True,
            "Paused": False,
            "Restarting": False,
            "ExitCode": 0,
            **(state or {}),
        },
        "HostConfig": {"NetworkMode": mode},
        "NetworkSettings": {
            "Ports": {port: _bindings(told) for port, told in (ports or {}).items()},
            "Networks": {
                network: address if isinstance(address, dict) else {"IPAddress": address}
                for network, address in (default if networks is None else networks).items()
            },
        },
    }


def options(*argv: str) -> Options:
    return read_flags((*argv, URI))


def found(told: dict[str, Any], *argv: str, peer: dict[str, Any] | None = None) -> Found:
    other = None if peer is None else read_container(peer)
    return services(read_container(told), other, HOST, options(*argv))


def one(told: dict[str, Any], *argv: str, peer: dict[str, Any] | None = None) -> Service:
    """The only service of a container."""
    (service,) = found(told, *argv, peer=peer).services
    return service


def _bindings(told: Any) -> list[dict[str, str]] | None:
    if told is None:
        return None
    places = [told] if isinstance(told, str) else told
    return [{"HostIp": place.rpartition(":")[0] or "0.0.0.0", "HostPort": place.rpartition(":")[2]} for place in places]
