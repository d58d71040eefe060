"""The swarm: machines join it, change in it and leave it."""

from __future__ import annotations

import asyncio
import contextlib
from typing import TYPE_CHECKING, Any, Final

from deployer.docker import EngineError, segment
from deployer.errors import DeployerError, TimedOutError
from deployer.execute.world import passing
from deployer.model import labels
from deployer.model.ports import MANAGERS, swarm_ports
from deployer.model.secret import Secret
from deployer.plan.swarm import Demote, ForceNewCluster, InitSwarm, JoinSwarm, LeaveSwarm, RemoveMember, UpdateMember
from deployer.remote import ConnectionFailedError
from deployer.remote.clock import read_clock
from deployer.remote.ports import Way, complaints, look
from deployer.remote.together import together

if TYPE_CHECKING:
    from collections.abc import Callable

    from deployer.docker import Engine
    from deployer.execute.world import World
    from deployer.plan.swarm import SwarmOperation


JOIN_SECONDS: Final = 60.0
"""How long joining may take with all attempts; an engine answers after 20 s (moby, daemon/cluster, swarmConnectTimeout)."""
PAUSE_SECONDS: Final = 1.0
LISTEN: Final = "0.0.0.0:2377"
ATTEMPTS: Final = 5
POLL_SECONDS: Final = 0.5
DEMOTE_SECONDS: Final = 60.0
LEAVE_SECONDS: Final = 60.0
GONE_SECONDS: Final = 60.0
"""How long the managers may take to call a member down that has left: three heartbeats of 5 s, and as much again twice."""
INIT_SECONDS: Final = 90.0


async def perform(operation: SwarmOperation, world: World, tell: Callable[[str], None]) -> str:
    """Do it; a few words on the result. Raises DeployerError with the reason where it cannot be done."""
    match operation:
        case InitSwarm():
            done = await init_swarm(world, operation)
        case JoinSwarm():
            done = await join_swarm(world, operation, tell)
        case UpdateMember():
            done = await update_member(world, operation)
        case Demote():
            done = await demote(world, operation)
        case LeaveSwarm():
            done = await leave_swarm(world, operation)
        case RemoveMember():
            done = await remove_member(world, operation)
        case ForceNewCluster():
            done = await force_new_cluster(world, operation)
    return done


async def init_swarm(world: World, operation: InitSwarm) -> str:
    engine = await world.engine(operation.node)
    body = {"ListenAddr": LISTEN, "AdvertiseAddr": operation.advertise}
    detail = ""
    try:
        await engine.post_slowly("/swarm/init", body, JOIN_SECONDS)
    except EngineError as error:
        if not _already(error):
            raise
        detail = "already so"
    await mark_member(world, operation.node, engine)
    return detail


async def mark_member(world: World, node: str, engine: Engine) -> None:
    """Label the member as ours: without that, nobody could tell once its file is gone. The next plan does what fails here."""
    with contextlib.suppress(DeployerError):
        own = str((await engine.get("/info"))["Swarm"]["NodeID"])
        path = f"/nodes/{segment(own)}"
        manager = await world.manager()
        told = await manager.get(path)
        mine = {labels.CLUSTER: world.link.cluster.name, labels.NODE: node}
        spec = {**told["Spec"], "Labels": {**(told["Spec"].get("Labels") or {}), **mine}}
        await manager.post(f"{path}/update", spec, version=told["Version"]["Index"])


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
        await _await_member(world, engine, deadline)
        return "already so" if _already(error) else ""
    return ""


async def _await_member(world: World, engine: Engine, deadline: float) -> None:
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


async def update_member(world: World, operation: UpdateMember) -> str:
    """Role, availability and all labels."""
    info = await (await world.engine(operation.node)).get("/info")
    spec = {"Role": operation.role, "Availability": operation.availability, "Labels": dict(operation.labels)}
    return await world.patiently(lambda manager: change_member(manager, info["Swarm"]["NodeID"], **spec))


async def change_member(manager: Engine, member: str, **spec: Any) -> str:
    """Change fields of a member's spec; read and written again while another writer comes in between (moby#39891)."""
    path = f"/nodes/{segment(member)}"
    for attempt in range(ATTEMPTS):
        told = await manager.get(path)
        if all(told["Spec"].get(key) == value for key, value in spec.items()):
            return "already so"
        try:
            await manager.post(f"{path}/update", {**told["Spec"], **spec}, version=told["Version"]["Index"])
        except EngineError as error:
            if "out of sequence" not in error.message or attempt == ATTEMPTS - 1:
                raise
            await asyncio.sleep(POLL_SECONDS)
        else:
            break
    return ""


async def demote(world: World, operation: Demote) -> str:
    """Make a manager a worker, and wait until the machine itself knows: only then it may leave."""
    manager = await world.again(operation.via)
    said = await change_member(manager, operation.member, Role="worker")
    if operation.away:
        return said
    deadline = read_clock() + DEMOTE_SECONDS
    while True:
        told = await manager.get(f"/nodes/{segment(operation.member)}")
        try:
            own = (await (await world.engine(operation.node)).get("/info"))["Swarm"]
            still = bool(own.get("ControlAvailable"))
        except ConnectionFailedError:
            still = False  # it is gone: its entry alone counts
        if not still and not told.get("ManagerStatus"):
            return said
        if world.stopping.is_set() or read_clock() > deadline:
            raise TimedOutError("it still acts as a manager", help="look at `docker node ls` on another manager")
        await asyncio.sleep(POLL_SECONDS)


async def leave_swarm(world: World, operation: LeaveSwarm) -> str:
    engine = await world.engine(operation.node)
    if (await engine.get("/info"))["Swarm"]["LocalNodeState"] == "inactive":
        return "already so"
    await engine.post_slowly("/swarm/leave", {}, LEAVE_SECONDS)
    # An engine keeps the containers of tasks that did not end in order ("error while removing network: unknown network").
    for told in await engine.get("/containers/json", all=True, filters={"label": [labels.TASK]}):
        try:
            await engine.delete(f"/containers/{segment(told['Id'])}", force=True)
        except EngineError as error:
            if error.status not in {404, 409}:  # it is gone, or the engine is about to remove it
                raise
    return ""


async def remove_member(world: World, operation: RemoveMember) -> str:
    """Remove the entry, once the managers have noticed that the machine is gone: they keep one that is ready."""
    manager = await world.again(operation.via)
    path = f"/nodes/{segment(operation.member)}"
    deadline = read_clock() + GONE_SECONDS
    while True:
        try:
            told = await manager.get(path)
            if operation.alive or told["Status"]["State"] != "ready":
                await manager.delete(path, force=True)
                return ""
        except EngineError as error:
            if error.status == 404:
                return "already so"
            if read_clock() > deadline:
                raise
        if world.stopping.is_set() or read_clock() > deadline:
            raise TimedOutError(
                f"the managers still call it ready {GONE_SECONDS:.0f} s after it left",
                help="see that it did: `docker info` there; then run the same command again",
            )
        await asyncio.sleep(POLL_SECONDS)


async def force_new_cluster(world: World, operation: ForceNewCluster) -> str:
    engine = await world.engine(operation.node)
    body = {"ListenAddr": LISTEN, "AdvertiseAddr": operation.advertise, "ForceNewCluster": True}
    await engine.post_slowly("/swarm/init", body, INIT_SECONDS)
    began = read_clock()
    while True:
        try:
            await engine.get("/nodes")
        except (ConnectionFailedError, EngineError, TimedOutError):
            if world.stopping.is_set() or read_clock() - began > INIT_SECONDS:
                raise
            await asyncio.sleep(POLL_SECONDS)
        else:
            return "it takes orders again"
