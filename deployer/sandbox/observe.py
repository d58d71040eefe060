"""Read from the engine what there is of a sandbox. Changes nothing."""

from __future__ import annotations

import socket
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from ipaddress import IPv4Network, ip_address
from typing import TYPE_CHECKING, Any

import docker
import requests  # what the docker SDK stands on, and whose errors it lets through

from deployer.errors import DeployerError
from deployer.sandbox import state
from deployer.sandbox.engine import engine_silent_reason, engine_socket
from deployer.sandbox.labels import LABEL, MACHINE_LABEL, container_name, mirror_url, network_name
from deployer.sandbox.spec import REGISTRY, Machine, Sandbox

if TYPE_CHECKING:
    from collections.abc import Iterator

    from docker import DockerClient

SSH_PORT = 22


@contextmanager
def engine() -> Iterator[DockerClient]:
    """The local engine; errors that it answers with become DeployerErrors."""
    client = docker.DockerClient(base_url=f"unix://{engine_socket()}", timeout=300)
    try:
        yield client
    except docker.errors.APIError as error:
        raise DeployerError(f"the engine refused: {error.explanation or error}") from error
    except (docker.errors.DockerException, requests.RequestException) as error:
        raise DeployerError(f"the engine went away: {error}", help="deployer sandbox engine") from error
    finally:
        client.close()


def containers(client: DockerClient, sandbox: str) -> list[dict[str, Any]]:
    """The engine's list entries of the sandbox's containers, stopped ones too."""
    found: list[dict[str, Any]] = client.api.containers(all=True, filters={"label": f"{LABEL}={sandbox}"})
    return found


def address_of(entry: dict[str, Any], sandbox: str) -> str:
    """The fixed address of a container, running or not."""
    endpoint = entry["NetworkSettings"]["Networks"].get(network_name(sandbox)) or {}
    return str((endpoint.get("IPAMConfig") or {}).get("IPv4Address") or endpoint.get("IPAddress") or "")


def subnet_of(client: DockerClient, sandbox: str) -> IPv4Network | None:
    """The subnet of the sandbox's network; None where there is none yet."""
    for network in client.api.networks(filters={"label": f"{LABEL}={sandbox}"}):
        if network["Name"] == network_name(sandbox):
            return IPv4Network(network["IPAM"]["Config"][0]["Subnet"])
    return None


def ssh_answers(address: str, seconds: float = 1.0) -> bool:
    """True where an SSH server says its name at port 22 of `address` within `seconds`."""
    try:
        with socket.create_connection((address, SSH_PORT), timeout=seconds) as connection:
            return connection.recv(4) == b"SSH-"
    except OSError:
        return False


def status(name: str) -> Sandbox | None:
    """The sandbox as it is now; None where there is none, or no engine that could have one."""
    known_hosts = state.known_hosts_file(name)
    if engine_silent_reason() is not None:
        return None
    with engine() as client:
        entries = containers(client, name)
        subnet = subnet_of(client, name)
    if not entries:
        return None
    machines = [entry for entry in entries if MACHINE_LABEL in entry["Labels"]]
    registry = [entry["State"] for entry in entries if f"/{container_name(name, REGISTRY)}" in entry["Names"]]
    with ThreadPoolExecutor(max_workers=len(machines) or 1) as pool:
        seen = list(pool.map(lambda entry: _machine(entry, name), machines))
    return Sandbox(
        name=name,
        machines=tuple(sorted(seen, key=lambda machine: (_order(machine.address), machine.name))),
        identity_file=state.identity_file(name),
        known_hosts=known_hosts.read_text(encoding="utf-8") if known_hosts.exists() else "",
        registry=mirror_url(),
        registry_state=registry[0] if registry else "missing",
        subnet=str(subnet or ""),
    )


def _machine(entry: dict[str, Any], sandbox: str) -> Machine:
    address, word = address_of(entry, sandbox), entry["State"]
    ssh = word == "running" and ssh_answers(address)
    return Machine(entry["Labels"][MACHINE_LABEL], address, "booting" if word == "running" and not ssh else word, ssh)


def _order(address: str) -> int:
    return int(ip_address(address)) if address else 0
