"""A machine in, what Docker's own client is told of it out: DOCKER_HOST, and whether that client's `ssh` gets in with it."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING, Final

from deployer.errors import DeployerError
from deployer.model.tls import PORT
from deployer.startup import defer_imports

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from deployer.model.cluster import Node

with defer_imports():
    from deployer.remote import openssh


SOCKET: Final = "unix:///var/run/docker.sock"
_SSH: Final = re.compile(r"ssh://(?:(?P<user>[^@/]*)@)?(?P<host>\[[^\]]*\]|[^:/]*)(?::(?P<port>[0-9]+))?/?")


def docker_host(node: Node) -> str:
    """`ssh://root@203.0.113.10:2222`: the user and port where the files say them; the engine's socket of this machine."""
    if node.local:
        return SOCKET
    host = f"[{node.address}]" if ":" in node.address else node.address
    user = f"{node.ssh.user}@" if node.ssh.user else ""
    return f"ssh://{user}{host}{f':{node.ssh.port}' if node.ssh.port else ''}"


def tcp_host(node: Node) -> str:
    """`tcp://203.0.113.10:2376`: where docker speaks TLS, by itself."""
    return f"tcp://{f'[{node.address}]' if ':' in node.address else node.address}:{PORT}"


def endpoint(node: Node, *, ssh: bool = False) -> str:
    """What DOCKER_HOST is: TLS where the machine has it, else SSH, and SSH where that is asked for."""
    return tcp_host(node) if node.tls and not ssh else docker_host(node)


def active(nodes: Iterable[Node], environment: Mapping[str, str]) -> Node | None:
    """The machine that docker talks to in this shell: the one whose endpoint DOCKER_HOST is."""
    wanted = environment.get("DOCKER_HOST", "")
    return next(
        (
            node
            for node in nodes
            if wanted and (_same(docker_host(node), wanted) or (node.tls and tcp_host(node) == wanted))
        ),
        None,
    )


def _same(one: str, other: str) -> bool:
    """Whether two endpoints are one: port 22 may be said or not."""
    return one == other or (_parts(one) is not None and _parts(one) == _parts(other))


def _parts(endpoint: str) -> tuple[str, str, str] | None:
    found = _SSH.fullmatch(endpoint)
    return (found["user"] or "", found["host"].lower(), found["port"] or "22") if found else None


def stranger(node: Node) -> str:
    """Why docker's own `ssh`, which knows nothing of the repository, does not get in; empty where it may."""
    if node.local:
        return ""
    try:
        told = openssh.settings(node)
    except DeployerError as error:
        return error.message
    wanted = node.ssh.identity_file
    if wanted and Path(wanted).expanduser() not in {Path(name).expanduser() for name in told.get("identityfile", ())}:
        return f"your own ssh, which docker starts, does not know the key {wanted}"
    return (
        ""
        if openssh.known(node, told)
        else f"your own ssh, which docker starts, does not know the host key of {node.name}"
    )
