"""Steps of a machine's place in the swarm: starting it, joining it."""

from __future__ import annotations

import asyncio
import contextlib
from typing import TYPE_CHECKING, Final

from deployer.docker import EngineError
from deployer.errors import DeployerError, TimedOutError
from deployer.execute.marking import mark_member
from deployer.execute.world import passing
from deployer.model.ports import MANAGERS, swarm_ports
from deployer.model.secret import Secret
from deployer.remote import ConnectionFailedError
from deployer.remote.clock import read_clock
from deployer.remote.ports import Way, complaints, look
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
    """Join, and again while the swarm is busy: with another manager that joins, or with electing its leader.

    Not where a firewall is between the two: half a member is worse than none.
    """
    engine = await world.engine(operation.node)
    await _see_ports(world, operation, tell)
    async with world.joining if operation.role == "manager" else contextlib.nullcontext():
        deadline = read_clock() + JOIN_SECONDS
        while True:
            try:
                detail = await _join(world, operation, engine, deadline)
            except (ConnectionFailedError, EngineError) as error:
                if world.stopping.is_set() or read_clock() > deadline or not passing(error):
                    raise
                tell(f"trying again: {error.message}")
            else:
                await mark_member(world, operation.node, engine)
                return detail
            await asyncio.sleep(PAUSE_SECONDS)


async def _see_ports(world: World, operation: JoinSwarm, tell: Callable[[str], None]) -> None:
    """Raises DeployerError with each port that is shut between the machine and the manager through which it joins.

    At the manager its engine listens; at the machine somebody does for a moment, as far as ports are free. UDP to the manager
    cannot be told.
    """
    info = await (await world.engine(operation.via)).get("/info")
    connections = {name: await world.link.to(name) for name in (operation.node, operation.via)}
    manager, there = str(info["Swarm"]["NodeAddr"]), operation.advertise
    tcp = [port for port in (MANAGERS, *swarm_ports("worker")) if port[1] == "tcp"]
    ways = [Way(operation.node, operation.via, manager, port, sure=True) for port in tcp]
    ways += [Way(operation.via, operation.node, there, port) for port in swarm_ports(operation.role)]
    found = await look(connections, ways, {operation.node})
    if closed := complaints(found):
        raise DeployerError(
            f"{'; '.join(closed)}: it was not joined",
            help="open them in the firewalls of the machines, or of their provider; `deployer machine check` looks again",
        )
    for why in sorted({one.why for one in found if one.state == "unknown"}):
        tell(f"not every port could be checked: {why}")


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
        if world.stopping.is_set() or read_clock() > deadline:
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
