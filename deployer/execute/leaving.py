"""Machines that go: demoted, out of the swarm, out of the managers' list and of Consul's, without what deployer ran on them."""

from __future__ import annotations

import asyncio
import contextlib
from typing import TYPE_CHECKING, Any, Final

from deployer.docker import EngineError, segment
from deployer.errors import DeployerError, TimedOutError
from deployer.model import labels
from deployer.remote import ConnectionFailedError
from deployer.remote.clock import read_clock

if TYPE_CHECKING:
    from deployer.docker import Engine
    from deployer.execute.world import World
    from deployer.plan.care import Demote, DeregisterNode, LeaveSwarm, RemoveMember, RemoveOwn

ATTEMPTS: Final = 5
POLL_SECONDS: Final = 0.5
DEMOTE_SECONDS: Final = 60.0
LEAVE_SECONDS: Final = 60.0
GONE_SECONDS: Final = 60.0
"""How long the managers may take to call a member down that has left: three heartbeats of 5 s, and as much again twice."""


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
    """A manager may leave only when it knows itself that it is none any more."""
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
    """Wait until the managers have noticed that it is gone: they do not let go of one that is ready."""
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


async def deregister_node(world: World, operation: DeregisterNode) -> str:
    """The machine itself, and what its registrator has registered at that server."""
    from deployer.consul import Catalogue  # noqa: PLC0415 - py-consul costs 0.1 s
    from deployer.execute.containers import made_by  # noqa: PLC0415 - beside its only use

    own = ""
    with contextlib.suppress(DeployerError):  # it may be gone: then its name in the ids is all there is
        own = str((await (await world.engine(operation.node)).get("/info")).get("ID") or "")
    token = world.link.cluster.secrets.token
    with contextlib.closing(Catalogue(await world.link.to(operation.via), token)) as catalogue:
        mine = [str(entry["ID"]) for entry in await catalogue.registered() if made_by(entry, own, operation.node)]
        for identifier in mine:
            await catalogue.deregister(identifier)
        await catalogue.forget(operation.node)
    return f"and {len(mine)} services" if mine else ""


async def remove_own(world: World, operation: RemoveOwn) -> str:
    """Containers are stopped first, so that a registrator or a Consul agent can take its leave."""
    engine = await world.engine(operation.node)
    removed = 0
    for name in operation.containers:
        path = f"/containers/{segment(name)}"
        with contextlib.suppress(_GoneError):
            await _unless_gone(engine.post_slowly(f"{path}/stop", {}, LEAVE_SECONDS, t=15))
            await _unless_gone(engine.delete(path, force=True))
            removed += 1
    for name in operation.volumes:
        with contextlib.suppress(_GoneError):
            await _unless_gone(engine.delete(f"/volumes/{segment(name)}"))
            removed += 1
    return "" if removed else "already so"


class _GoneError(DeployerError):
    pass


async def _unless_gone(request: Any) -> None:
    try:
        await request
    except EngineError as error:
        if error.status == 404:
            raise _GoneError(error.message) from None
        if error.status != 304:  # it has stopped already
            raise
