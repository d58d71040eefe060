"""Say how the cluster is, compared with git. Nothing is changed."""

from __future__ import annotations

from typing import TYPE_CHECKING

from deployer.observe import observe_registrations
from deployer.workflow.look import read_and_look
from deployer.workflow.observe import observe_cluster

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
        from deployer.diff.status import status as status_of  # noqa: PLC0415 - see workflow/observe.py, NEXT
        from deployer.workflow.compare import compare  # noqa: PLC0415 - as above

        differences = (await compare(validated, observed, link, say)).differences
        registered = await observe_registrations(validated.desired.cluster, observed, link)
        return status_of(validated.desired, validated.objects, observed, differences, registered)
