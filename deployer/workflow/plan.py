"""Plan what `apply` would do now. Nothing is changed."""

from __future__ import annotations

from typing import TYPE_CHECKING

from deployer.model.consent import NOTHING
from deployer.remote import Link
from deployer.startup import defer_imports
from deployer.workflow.look import open_secrets, read_and_look
from deployer.workflow.observe import observe_cluster

with defer_imports():  # runs while the machines are waited for: workflow/observe.py
    from deployer.workflow import compare

if TYPE_CHECKING:
    from deployer.model.cluster import Cluster
    from deployer.model.consent import Consent
    from deployer.model.observed import Observed
    from deployer.plan.steps import Plan
    from deployer.workflow.validate import Say, Source, Validated


async def plan(source: Source, say: Say, consent: Consent = NOTHING) -> Plan:
    """Return the plan, with what guards refuse unless `consent` names it. Raises what `validate` raises."""

    async def look(_: str, cluster: Cluster, link: Link) -> Observed:
        return await observe_cluster(cluster, link, say)

    async with read_and_look(source, say, look) as (validated, link, observed):
        return await _compare(validated, observed, link, say, consent)


async def plan_validated(validated: Validated, say: Say, consent: Consent = NOTHING) -> Plan:
    """Return the same plan, of a commit that has been validated already."""
    validated = open_secrets(validated)
    async with Link(validated.desired.cluster) as link:
        observed = await observe_cluster(validated.desired.cluster, link, say)
        return await _compare(validated, observed, link, say, consent)


async def _compare(validated: Validated, observed: Observed, link: Link, say: Say, consent: Consent) -> Plan:
    return (await compare.compare(validated, observed, link, say, consent)).plan
