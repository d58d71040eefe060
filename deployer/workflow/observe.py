"""Look at a cluster."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from deployer.model.amounts import plural
from deployer.observe import observe
from deployer.startup import defer_imports, run_now

if TYPE_CHECKING:
    from deployer.model.cluster import Cluster
    from deployer.model.observed import Observed
    from deployer.remote import Link
    from deployer.workflow.validate import Say

with defer_imports():  # needed once the machines have answered: they run while that is waited for
    from deployer.report import plan as report_plan
    from deployer.workflow import compare


async def observe_cluster(cluster: Cluster, link: Link, say: Say) -> Observed:
    """Return one snapshot of the machines of `cluster`, those included that do not answer."""
    say(f"asking {plural(len(cluster.nodes), 'machine')}")
    importing = asyncio.create_task(asyncio.to_thread(run_now, compare, report_plan))
    observed = await observe(cluster, link)
    await importing
    return observed
