"""Steps at Consul: waiting for its leader, registering machines. Imported where used: py-consul costs 0.1 s."""

from __future__ import annotations

import asyncio
import contextlib
from typing import TYPE_CHECKING, Final

from deployer.consul import Catalogue, ConsulError
from deployer.errors import DeployerError, TimedOutError
from deployer.model import labels
from deployer.remote import ConnectionFailedError

if TYPE_CHECKING:
    from collections.abc import Callable

    from deployer.execute.world import World
    from deployer.plan.operations import AwaitConsul, RegisterNode

POLL_SECONDS: Final = 0.2


async def await_consul(world: World, operation: AwaitConsul, _: Callable[[str], None]) -> str:
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


async def register_node(world: World, operation: RegisterNode, _: Callable[[str], None]) -> str:
    meta = dict(operation.meta)
    if labels.ENGINE_VERSION in meta.values():
        version = await (await world.engine(operation.node)).version()
        meta = {key: version if value == labels.ENGINE_VERSION else value for key, value in meta.items()}
    connection = await world.link.to(operation.via)
    with contextlib.closing(Catalogue(connection, world.link.cluster.secrets.token)) as catalogue:
        await catalogue.register(operation.node, operation.address, meta)
    return ""
