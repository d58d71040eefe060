"""Consul: waits for its leader, and machines in its catalogue."""

from __future__ import annotations

import asyncio
import contextlib
from typing import TYPE_CHECKING, Final

from deployer.consul import Catalogue, ConsulError
from deployer.errors import DeployerError, TimedOutError
from deployer.execute.containers import made_by
from deployer.model import labels
from deployer.plan.consul import AwaitConsul, DeregisterNode, RegisterNode
from deployer.remote import ConnectionFailedError
from deployer.remote.clock import read_clock

if TYPE_CHECKING:
    from collections.abc import Callable

    from deployer.execute.world import World
    from deployer.plan.consul import ConsulOperation


POLL_SECONDS: Final = 0.2
AGENT_GONE_SECONDS: Final = 10.0
"""How long the others may take to hear that an agent has left, or to find it dead."""


async def perform(operation: ConsulOperation, world: World, _: Callable[[str], None]) -> str:
    """Do it; a few words on the result. Raises DeployerError with the reason where it cannot be done."""
    match operation:
        case AwaitConsul():
            done = await await_consul(world, operation)
        case RegisterNode():
            done = await register_node(world, operation)
        case DeregisterNode():
            done = await deregister_node(world, operation)
    return done


async def await_consul(world: World, operation: AwaitConsul) -> str:
    reason = "no leader"
    catalogue = Catalogue(await world.link.to(operation.node), world.link.cluster.secrets.token)
    try:
        async with asyncio.timeout(operation.timeout):
            while not world.stopping.is_set():
                try:
                    leader = await catalogue.leader()
                    healthy = await catalogue.healthy_servers() if leader and operation.servers > 1 else 1
                    if leader and healthy >= operation.servers:
                        return f"{leader} leads"
                    reason = f"{healthy} of {operation.servers} servers are healthy" if leader else "no leader"
                except (ConnectionFailedError, ConsulError, TimedOutError) as error:
                    reason = error.message
                await asyncio.sleep(POLL_SECONDS)
    except TimeoutError:
        raise TimedOutError(
            f"Consul is not ready after {operation.timeout:g} s: {reason}",
            help="look at `docker logs deployer-consul` there; `deployer machine check` knocks at its ports",
        ) from None
    finally:
        catalogue.close()
    raise DeployerError("stopped while waiting")


async def register_node(world: World, operation: RegisterNode) -> str:
    meta = dict(operation.meta)
    if labels.ENGINE_VERSION in meta.values():
        version = await (await world.engine(operation.node)).version()
        meta = {key: version if value == labels.ENGINE_VERSION else value for key, value in meta.items()}
    connection = await world.link.to(operation.via)
    with contextlib.closing(Catalogue(connection, world.link.cluster.secrets.token)) as catalogue:
        await _without_agent(world, catalogue, operation.node)
        await catalogue.register(operation.node, operation.address, meta)
    return ""


async def _without_agent(world: World, catalogue: Catalogue, name: str) -> None:
    """An agent that this machine had once is forgotten first.

    Every minute the leader takes out of the catalogue what the list of members says has left (hashicorp/consul,
    agent/consul/leader.go, reconcileMember), and that list keeps it for days. What lives there after all is not ours to end.
    """
    deadline = read_clock() + AGENT_GONE_SECONDS
    state = await catalogue.member(name)
    while state in {"alive", "leaving"} and read_clock() < deadline and not world.stopping.is_set():
        await asyncio.sleep(POLL_SECONDS)
        state = await catalogue.member(name)
    if state not in {"left", "failed"}:
        return
    await catalogue.prune(name)
    while read_clock() < deadline and not world.stopping.is_set():
        if all(entry["Node"] != name for entry in await catalogue.nodes()):
            return
        await asyncio.sleep(POLL_SECONDS)


async def deregister_node(world: World, operation: DeregisterNode) -> str:
    """Remove the machine from the catalogue, with what its registrator has registered at that server."""
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
