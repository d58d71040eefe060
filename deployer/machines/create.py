"""docker-machine's `create` in, what its flags mean today out: a machine's file, and what takes the place of the rest. Pure.

Source: docker/machine at b170508b, commands/create.go and drivers/generic/generic.go.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

from deployer.errors import UsageError
from deployer.machines.node_file import Wanted

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from deployer.model.cluster import Install, Role

_LISTS: Final = {
    "label": "labels",
    "insecure-registry": "insecure-registries",
    "registry-mirror": "registry-mirrors",
    "dns": "dns",
    "dns-opt": "dns-opts",
    "dns-search": "dns-search",
    "exec-opt": "exec-opts",
    "storage-opt": "storage-opts",
    "authorization-plugin": "authorization-plugins",
}
"""Flags of dockerd that may be given several times, and their keys in daemon.json (docs.docker.com, dockerd)."""

_SSH: Final = "the engine is not opened to the network: SSH carries its socket"
_STORAGE: Final = "the engine chooses its storage driver; changing it hides the images and containers that are there"
_REPLACED: Final = {
    "host": _SSH,
    **dict.fromkeys(("tls", "tlsverify", "tlscacert", "tlscert", "tlskey"), _SSH),
    "storage-driver": _STORAGE,
    "cluster-store": "Docker 23 removed it: overlay networks that span the machines come from the swarm (`swarm:` in the file)",
    "cluster-store-opt": "Docker 23 removed it with cluster-store",
}
"""Flags of dockerd that are not written, and what takes their place."""


@dataclass(frozen=True)
class Created:
    wanted: Wanted
    notes: tuple[str, ...]
    """What was not written, and what takes its place; a line each."""


@dataclass(frozen=True)
class Flags:
    """What `docker-machine create` was given; empty where nothing."""

    name: str
    address: str
    user: str | None = None
    key: str | None = None
    port: int | None = None
    install_url: str | None = None
    options: tuple[str, ...] = ()
    labels: tuple[str, ...] = ()
    environment: tuple[str, ...] = ()
    insecure_registries: tuple[str, ...] = ()
    registry_mirrors: tuple[str, ...] = ()
    storage_driver: str | None = None
    swarm: bool = False
    swarm_master: bool = False
    swarm_addr: str | None = None
    others: Mapping[str, str] = field(default_factory=dict)
    """Flags that have no meaning any more, by their names, with their values."""


_OTHERS: Final = {
    "generic-engine-port": _SSH,
    "tls-san": _SSH,
    "swarm-discovery": "the swarm's managers know its members; what runs where is in Consul (`consul:` in cluster/cluster.yaml)",
    "swarm-image": "Swarm mode is a part of the engine, and has no image",
    "swarm-strategy": "Swarm mode spreads tasks; `deploy.placement` in the stack's file says where they may be",
    "swarm-host": "managers answer at the engine's own socket: eval $(deployer env NAME)",
    "swarm-opt": "Swarm mode has no such options",
    "swarm-join-opt": "Swarm mode has no such options",
    "swarm-experimental": "Swarm mode has no such options",
}


def create_machine(flags: Flags) -> Created:
    """The machine's file. Raises UsageError where an option is no NAME=VALUE."""
    notes = [f"--{name}: {_OTHERS[name]}" for name in flags.others]
    daemon, advertise, more = _daemon(flags)
    notes += more
    if flags.storage_driver:
        notes.append(f"--engine-storage-driver: {_STORAGE}")
    for variable in flags.environment:
        name = variable.partition("=")[0]
        proxies = "engine.daemon.proxies holds proxies, from Docker 23 on" if "PROXY" in name.upper() else ""
        other = "a drop-in of docker.service on the machine holds it"
        notes.append(f"--engine-env {name}: not in the file; {proxies or other}")
    install, note = _install(flags.install_url)
    role: Role = "manager" if flags.swarm_master else "worker" if flags.swarm else "none"
    if role != "none":
        notes.append(
            f"--swarm: the machine is a {role} of the engines' own swarm, which took the place of the swarm containers"
        )
    wanted = Wanted(
        flags.name,
        flags.address,
        role,
        flags.user,
        flags.port,
        flags.key,
        (flags.swarm_addr or "").partition(":")[0] or advertise,
        install=install,
        daemon=daemon,
    )
    return Created(wanted, tuple(dict.fromkeys([*notes, *note])))


def _install(url: str | None) -> tuple[Install | None, list[str]]:
    match url:
        case None | "":
            return None, []
        case "none":
            return "none", []
        case _ if url.rstrip("/").endswith("get.docker.com"):
            return "docker", [
                "--engine-install-url: the packages of Docker's own repository are installed (engine.install)"
            ]
        case _:
            return None, [f"--engine-install-url {url}: no script is run; engine.install says where packages come from"]


def _daemon(flags: Flags) -> tuple[dict[str, Any], str | None, list[str]]:
    """daemon.json, the address to advertise where an option said one, and notes."""
    found: dict[str, Any] = {}
    advertise: str | None = None
    notes: list[str] = []
    for text in flags.options:
        name, equal, value = text.removeprefix("--").partition("=")
        if not name:
            raise UsageError(f"--engine-opt {text!r} is no NAME=VALUE")
        if name == "cluster-advertise":
            advertise = value.partition(":")[0]
            notes.append("--engine-opt cluster-advertise: it is `advertise:` in the file")
        elif name in _REPLACED:
            notes.append(f"--engine-opt {name}: {_REPLACED[name]}")
        elif name == "log-opt":
            key, _, inner = value.partition("=")
            found.setdefault("log-opts", {})[key] = inner
        elif name in _LISTS:
            found.setdefault(_LISTS[name], []).append(value)
        else:
            found[{"graph": "data-root"}.get(name, name)] = _value(value) if equal else True
    for key, values in (
        ("labels", flags.labels),
        ("insecure-registries", flags.insecure_registries),
        ("registry-mirrors", flags.registry_mirrors),
    ):
        if values:
            found[key] = [*found.get(key, []), *values]
    if flags.labels:
        notes.append("--engine-label: constraints name it engine.labels.KEY; `labels:` in the file are the swarm's own")
    return found, advertise, notes


def _value(text: str) -> str | int | bool:
    """As daemon.json has it: numbers and booleans are no strings there."""
    if text in {"true", "false"}:
        return text == "true"
    return int(text) if text.isdecimal() and (text == "0" or text[0] != "0") else text


def others(given: Iterable[tuple[str, object]]) -> dict[str, str]:
    """Those of the flags that were given."""
    return {name: str(value) for name, value in given if value}
