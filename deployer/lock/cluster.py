"""The lock of a whole cluster, in its Consul, and what a run does where there is no Consul to ask."""

from __future__ import annotations

import asyncio
import contextlib
from typing import TYPE_CHECKING, Final

from deployer.errors import BusyError, DeployerError, UnreachableError
from deployer.model.observed import Unreachable
from deployer.startup import defer_imports, run_now

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Sequence

    from deployer.lock.hold import Held, Patience
    from deployer.lock.holder import Holder
    from deployer.model.cluster import Cluster
    from deployer.model.observed import Observed
    from deployer.remote import Link

with defer_imports():  # py-consul costs 0.1 s
    from deployer.lock import session

ALONE: Final = "only runs from this repository are locked out"


async def free_index(cluster: Cluster, link: Link) -> int | None:
    """How often the lock in Consul had been taken so far, where nobody holds it.

    Who has it next, with that number and one, has it as the first since: what was seen in between was disturbed by no other run.
    None where somebody holds it, or nobody can tell.
    """
    if cluster.consul is None:
        return None
    await asyncio.to_thread(run_now, session)  # machines are reached meanwhile
    return await session.free_index(cluster, link)


@contextlib.asynccontextmanager
async def cluster_lock(
    cluster: Cluster, observed: Observed, link: Link, me: Holder, patience: Patience, *, killed: Sequence[Holder]
) -> AsyncIterator[Held | None]:
    """Hold the lock in the cluster's Consul; None, and said once, where Consul is not there (yet) or cannot be asked.

    `killed` are runs from the same repository that are known to be dead: their hold is taken from them at once.
    """
    if cluster.consul is None:
        yield None
        return
    if observed.catalogue is None:
        patience.say(f"Consul is not there yet: {ALONE}")
        yield None
        return
    async with contextlib.AsyncExitStack() as stack:
        held = None
        try:
            if isinstance(observed.catalogue, Unreachable):
                raise UnreachableError(observed.catalogue.reason)
            held = await stack.enter_async_context(session.lock_in_consul(cluster, link, me, patience, killed=killed))
        except BusyError:
            raise
        except DeployerError as error:
            reason = error.message.removeprefix("Consul cannot be asked: ")
            patience.say(f"Consul cannot be asked ({reason}): {ALONE}")
        yield held
