"""A machine in, the variables that point Docker's client at it out; and the names that point it nowhere again."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from deployer.errors import UsageError
from deployer.machines.addresses import public_address
from deployer.machines.endpoint import docker_host, tcp_host

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from deployer.model.cluster import Node

Variables = dict[str, str | None]
"""None: to be unset."""

NOTHING: Final[Mapping[str, None]] = dict.fromkeys(
    ("DOCKER_TLS_VERIFY", "DOCKER_HOST", "DOCKER_CERT_PATH", "DOCKER_MACHINE_NAME")
)


def variables(
    node: Node, environment: Mapping[str, str], *, no_proxy: bool, certificates: Path | None = None
) -> Variables:
    """What docker-machine set. Without the folder `certificates` what is about TLS is unset: the client would not use SSH."""
    found: Variables = {**NOTHING, "DOCKER_HOST": docker_host(node), "DOCKER_MACHINE_NAME": node.name}
    if certificates is not None:
        found |= {"DOCKER_HOST": tcp_host(node), "DOCKER_TLS_VERIFY": "1", "DOCKER_CERT_PATH": str(certificates)}
    return found | (_spare_proxy(public_address(node), environment) if no_proxy else {})


def _spare_proxy(address: str, environment: Mapping[str, str]) -> Variables:
    """The list that is in use, in small letters first, with the machine's address in it."""
    name = "no_proxy" if environment.get("no_proxy") or not environment.get("NO_PROXY") else "NO_PROXY"
    present = [part for part in environment.get(name, "").split(",") if part]
    return {name: ",".join(present if address in present else [*present, address])}


def must_manage(node: Node) -> None:
    """`--swarm` asks for the swarm's endpoint, which every manager has. Raises UsageError for any other machine."""
    if node.role != "manager":
        raise UsageError(
            f"{node.name} is no swarm manager, and only those answer for the whole swarm",
            help="name a machine whose file says `swarm: manager`",
        )
