"""Steps of a machine's place in the swarm: starting it, joining it."""

from __future__ import annotations

import asyncio
import contextlib
import time
from typing import TYPE_CHECKING, Final

from deployer.docker import EngineError
from deployer.errors import DeployerError, TimedOutError
from deployer.execute.marking import mark_member
from deployer.execute.world import passing
from deployer.model.secret import Secret
from deployer.remote import ConnectionFailedError
from deployer.remote.together import together

if TYPE_CHECKING:
    from collections.abc import Callable

    from deployer.docker import Engine
    from deployer.execute.world import World
    from deployer.plan.operations import InitSwarm, JoinSwarm

JOIN_SECONDS: Final = 60.0
"""How long joining may take with all attempts; an engine answers after 20 s (moby, daemon/cluster, swarmConnectTimeout)."""
PAUSE_SECONDS: Final = 1.0

LISTEN: Final = "0.0.0.0:2377"


async def init_swarm(world: World, operation: InitSwarm, _: Callable[[str], None]) -> str:
    engine = await world.engine(operation.node)
    body = {"ListenAddr": LISTEN, "AdvertiseAddr": operation.advertise}
    try:
        await engine.post_slowly("/swarm/init", body, JOIN_SECONDS)
    except EngineError as error:
        if not _already(error):
            raise
        await mark_member(world, operation.node, engine)
        return "already so"
    await mark_member(world, operation.node, engine)
    return ""


async def join_swarm(world: World, operation: JoinSwarm, tell: Callable[[str], None]) -> str:
    """Join, and again while the swarm is busy: with another manager that joins, or with electing its leader."""
    engine = await world.engine(operation.node)
    async with world.joining if operation.role == "manager" else contextlib.nullcontext():
        deadline = time.monotonic() + JOIN_SECONDS
        while True:
            try:
                detail = await _join(world, operation, engine, deadline)
            except (ConnectionFailedError, EngineError) as error:
                if world.stopping.is_set() or time.monotonic() > deadline or not passing(error):
                    raise
                tell(f"trying again: {error.message}")
            else:
                await mark_member(world, operation.node, engine)
                return detail
            await asyncio.sleep(PAUSE_SECONDS)


async def _join(world: World, operation: JoinSwarm, engine: Engine, deadline: float) -> str:
    manager = await world.engine(operation.via)
    async with together() as group:
        swarm = group.create_task(manager.get("/swarm"))
        info = group.create_task(manager.get("/info"))
    token = Secret(swarm.result()["JoinTokens"]["Manager" if operation.role == "manager" else "Worker"])
    body = {
        "ListenAddr": LISTEN,
        "AdvertiseAddr": operation.advertise,
        "RemoteAddrs": [_with_port(info.result()["Swarm"]["NodeAddr"])],
        "JoinToken": token.reveal(),
    }
    try:
        await engine.post_slowly("/swarm/join", body, JOIN_SECONDS)
    except EngineError as error:
        if not (_already(error) or _goes_on(error)):
            raise
        await _member(world, engine, deadline)
        return "already so" if _already(error) else ""
    return ""


async def _member(world: World, engine: Engine, deadline: float) -> None:
    """Wait until the engine calls itself a member: after its own time-out it goes on joining by itself."""
    while True:
        swarm = (await engine.get("/info"))["Swarm"]
        if swarm["LocalNodeState"] == "active":
            return
        if swarm["LocalNodeState"] != "pending":
            raise DeployerError(f"it did not join: {swarm.get('Error') or swarm['LocalNodeState']}")
        if world.stopping.is_set() or time.monotonic() > deadline:
            raise TimedOutError(
                "it is still joining the swarm", help="see that port 2377 of the managers can be reached from it"
            )
        await asyncio.sleep(PAUSE_SECONDS)


def _already(error: EngineError) -> bool:
    return error.status == 503 and "already part of a swarm" in error.message


def _goes_on(error: EngineError) -> bool:
    """moby, daemon/cluster/errors.go, errSwarmJoinTimeoutReached."""
    return "attempt to join the swarm will continue in the background" in error.message


def _with_port(address: str) -> str:
    return f"[{address}]:2377" if ":" in address else f"{address}:2377"
