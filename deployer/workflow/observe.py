"""Look at a cluster."""

from __future__ import annotations

import asyncio
from importlib import import_module
from typing import TYPE_CHECKING, Final

from deployer.model.amounts import plural
from deployer.observe import observe

if TYPE_CHECKING:
    from deployer.model.cluster import Cluster
    from deployer.model.observed import Observed
    from deployer.remote import Link
    from deployer.workflow.validate import Say

NEXT: Final = ("deployer.workflow.compare", "deployer.report.plan")
"""What is needed once the machines have answered: imported while they are waited for."""


async def observe_cluster(cluster: Cluster, link: Link, say: Say) -> Observed:
    """Return one snapshot of the machines of `cluster`, those included that do not answer."""
    say(f"asking {plural(len(cluster.nodes), 'machine')}")
    importing = asyncio.create_task(asyncio.to_thread(_import_next))
    observed = await observe(cluster, link)
    await importing
    return observed


def _import_next() -> None:
    for name in NEXT:
        import_module(name)
