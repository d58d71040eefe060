"""Machines in, how they are out: all asked at once, each within its own time."""

from __future__ import annotations

import asyncio
import contextlib
import time
from dataclasses import dataclass, replace
from datetime import datetime
from typing import TYPE_CHECKING, Final, Literal

from deployer.docker import Engine, EngineError
from deployer.errors import DeployerError, TimedOutError
from deployer.machines.endpoint import active
from deployer.model.clock import clock_words
from deployer.model.command import Command
from deployer.model.tls import FOLDER, ends_in
from deployer.observe.machines import membership
from deployer.remote import ConnectionFailedError, Link, NoAnswerError, NotLetInError
from deployer.remote.clock import read_clock
from deployer.remote.together import together
from deployer.startup import defer_imports

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from typing import Any

    from deployer.model.cluster import Cluster, Node
    from deployer.model.observed import Membership
    from deployer.remote import Connection

with defer_imports():
    from deployer.certificates import read


State = Literal["Running", "Stopped", "Timeout", "Error"]
"""docker-machine's words: Stopped is what refuses or has no route, Error what answers and does not let us in."""

UNKNOWN: Final = "Unknown"
CLOCK_SECONDS: Final = 60.0
"""From here on a clock is an error of its machine's: logs lie, and before long certificates are not valid."""


@dataclass(frozen=True)
class Listed:
    """One machine as it answered. `swarm` is a manager's name, with `(master)` behind it on managers; empty in none."""

    node: Node
    active: bool
    state: State
    swarm: str
    engine: str
    """The engine's version; empty where it could not be asked."""
    error: str = ""
    help: str = ""
    seconds: float = 0.0
    member: Membership | None = None
    clock_ahead: float | None = None
    """By how many seconds its clock is ahead of this machine's; None where it did not say."""
    expires: float | None = None
    """When its engine's certificate ends, in seconds since the epoch; None where there is none, or it could not be read."""


async def ask_machines(
    cluster: Cluster, nodes: Sequence[Node], environment: Mapping[str, str], seconds: float
) -> tuple[Listed, ...]:
    """Ask the machines, and return them in the order given. Never raises for what a machine does or does not do."""
    current = active(cluster.nodes, environment)
    async with Link(cluster) as link, together() as group:
        asked = [group.create_task(_ask(link, node, seconds, active=node is current)) for node in nodes]
    listed = [task.result() for task in asked]
    masters = sorted(one.node.name for one in listed if one.member and one.member.manager)
    named = [node.name for node in cluster.nodes if node.role == "manager"]
    master = next((name for name in masters if name in named), (named or masters or [""])[0])
    return tuple(_in_swarm(one, master) for one in listed)


async def _ask(link: Link, node: Node, seconds: float, *, active: bool) -> Listed:
    began = read_clock()
    state: State = "Stopped"
    version, error, advice, member, expires, ahead = "", "", "", None, None, None
    try:
        async with asyncio.timeout(seconds):
            connection = await link.to(node.name)
            state = "Running"
            with contextlib.closing(Engine(connection)) as engine:
                version = await engine.version()
                asked = time.time()
                info = await engine.get("/info")
                member, ahead = membership(info.get("Swarm") or {}), _ahead(info, (asked + time.time()) / 2)
            expires = await _certificate_end(connection) if node.tls else None
    except TimeoutError:
        state, error = "Timeout", f"no answer within {seconds:g} s"
    except (AttributeError, TypeError):
        error = "what answers at the engine's socket is no Docker engine"
    except DeployerError as failure:
        state, error, advice = _state(failure, state), failure.message, failure.help
    if expires is not None and (said := ends_in(expires - time.time())):
        error, advice = said, f"deployer machine regenerate-certs {node.name}"
    if not error and ahead is not None and abs(ahead) >= CLOCK_SECONDS:
        error, advice = f"its clock is {clock_words(ahead)}", f"`timedatectl set-ntp true` on {node.name}"
    return Listed(node, active, state, "", version, error, advice, read_clock() - began, member, ahead, expires)


def _ahead(info: Mapping[str, Any], now: float) -> float | None:
    """By the engine's own words, `2026-11-25T23:49:47.123456789Z`; None where they are none."""
    try:
        return datetime.fromisoformat(str(info["SystemTime"])).timestamp() - now
    except (KeyError, ValueError):
        return None


async def _certificate_end(connection: Connection) -> float | None:
    told = await connection.run(Command(("cat", f"{FOLDER}/cert.pem"), root=True))
    return read.read_certificate(told.stdout)[1] or None


def _state(failure: DeployerError, so_far: State) -> State:
    match failure:
        case NoAnswerError() if so_far != "Running":
            return "Timeout"
        case NotLetInError():
            return "Error"
        case ConnectionFailedError() | EngineError() | TimedOutError():
            return so_far
        case _:
            return "Error"


def _in_swarm(one: Listed, master: str) -> Listed:
    """What the engine says counts; where it cannot be asked, what the file says."""
    if one.member is None:
        manager, inside = one.node.role == "manager", one.node.role != "none"
    else:
        manager, inside = one.member.manager, one.member.state == "active"
    return replace(one, swarm=f"{one.node.name} (master)" if manager else master if inside else "")


async def ask_engine_version(cluster: Cluster, node: Node, seconds: float) -> str:
    """Return the version of the engine of one machine. DeployerError if it does not answer within so many seconds."""
    try:
        async with asyncio.timeout(seconds), Link(cluster) as link:
            with contextlib.closing(Engine(await link.to(node.name))) as engine:
                return await engine.version()
    except TimeoutError:
        raise NoAnswerError(f"no answer from {node.name} within {seconds:g} s") from None
