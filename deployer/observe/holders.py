"""Ask who holds ports of the machines: only when a plan publishes a port that was not published before."""

from __future__ import annotations

import asyncio
import contextlib
import re
from typing import TYPE_CHECKING, Any, Final

from deployer.docker import Engine
from deployer.errors import DeployerError
from deployer.model.command import Command
from deployer.model.observed import PortHeld

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Mapping

    from deployer.remote import Connection, Link

SECONDS: Final = 10.0
_USER: Final = re.compile(r'\("([^"]*)",pid=(\d+)')
_DOCKERS: Final = frozenset({"dockerd", "docker-proxy"})
"""They hold what containers and services publish: those are asked for by themselves."""
_TASK: Final = "com.docker.swarm.service.name"


async def observe_holders(
    ports: Collection[tuple[int, str]], machines: Collection[str], link: Link
) -> Mapping[str, tuple[PortHeld, ...]]:
    """By machine, the ports of those that something else than a service of the swarm holds. What cannot be asked holds none."""
    if not ports:
        return {}
    names = sorted(machines)
    found = await asyncio.gather(*(_held(link, name, frozenset(ports)) for name in names))
    return dict(zip(names, found, strict=True))


def holders_command() -> Command:
    """Processes are named to root alone (ss(8))."""
    return Command(("ss", "-Hltunp"), root=True, timeout=SECONDS)


def read_holders(text: str) -> Iterator[PortHeld]:
    """`tcp LISTEN 0 511 0.0.0.0:80 0.0.0.0:* users:(("nginx",pid=123,fd=6))`, a line each."""
    for line in text.splitlines():
        words = line.split(None, 6)
        if len(words) < 6 or not words[4].rpartition(":")[2].isdecimal():
            continue
        user = _USER.search(words[6]) if len(words) > 6 else None
        if user and user[1] in _DOCKERS:
            continue
        holder = f"{user[1]} (process {user[2]})" if user else "a process"
        yield PortHeld(int(words[4].rpartition(":")[2]), words[0], holder)


async def _held(link: Link, name: str, ports: frozenset[tuple[int, str]]) -> tuple[PortHeld, ...]:
    try:
        connection = await link.to(name)
    except DeployerError:
        return ()
    found = [*await _listening(connection), *await _containers(connection)]
    return tuple(sorted({one for one in found if (one.port, one.protocol) in ports}))


async def _listening(connection: Connection) -> list[PortHeld]:
    try:
        return list(read_holders((await connection.run(holders_command())).stdout))
    except DeployerError:
        return []


async def _containers(connection: Connection) -> list[PortHeld]:
    try:
        with contextlib.closing(Engine(connection)) as engine:
            return list(_published(await engine.get("/containers/json")))
    except DeployerError:
        return []


def _published(containers: list[dict[str, Any]]) -> Iterator[PortHeld]:
    """What containers outside the swarm publish (`GET /containers/json`)."""
    for told in containers:
        if _TASK in (told.get("Labels") or {}):
            continue
        name = str((told.get("Names") or ["/?"])[0]).lstrip("/")
        for port in told.get("Ports") or ():
            if port.get("PublicPort"):
                yield PortHeld(int(port["PublicPort"]), str(port.get("Type", "tcp")), f"container {name}")
