"""Say how the cluster is, compared with git. Nothing is changed."""

from __future__ import annotations

from typing import TYPE_CHECKING

from deployer.observe import observe_registrations
from deployer.startup import defer_imports
from deployer.workflow.look import read_and_look
from deployer.workflow.observe import observe_cluster

with defer_imports():  # runs while the machines are waited for: workflow/observe.py
    from deployer.diff import status as diff_status
    from deployer.workflow import compare

if TYPE_CHECKING:
    from deployer.model.cluster import Cluster
    from deployer.model.observed import Observed
    from deployer.model.status import Status
    from deployer.remote import Link
    from deployer.workflow.validate import Say, Source


async def status(source: Source, say: Say) -> Status:
    """Return how each machine and stack is. Raises what `validate` raises."""

    async def look(_: str, cluster: Cluster, link: Link) -> Observed:
        return await observe_cluster(cluster, link, say)

    async with read_and_look(source, say, look) as (validated, link, observed):
        differences = (await compare.compare(validated, observed, link, say)).differences
        registered = await observe_registrations(validated.desired.cluster, observed, link)
        return diff_status.status(validated.desired, validated.objects, observed, differences, registered)
