"""Make the cluster what a commit says."""

from __future__ import annotations

from contextlib import asynccontextmanager
from dataclasses import replace
from typing import TYPE_CHECKING

from deployer.memory.secrets import known_secrets
from deployer.model.consent import NOTHING
from deployer.model.run import Scope
from deployer.plan.refusal import refuse
from deployer.startup import defer_imports
from deployer.workflow.look import read_and_look
from deployer.workflow.observe import observe_cluster
from deployer.workflow.run import Work, run

with defer_imports():  # runs while the machines are waited for: workflow/observe.py
    from deployer.workflow import compare

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from deployer.model.cluster import Cluster
    from deployer.model.consent import Consent
    from deployer.model.observed import Observed
    from deployer.plan.outcome import Report
    from deployer.plan.steps import Plan
    from deployer.remote import Link
    from deployer.workflow.run import Audience, Lock, Locked, Trigger
    from deployer.workflow.validate import Source


async def apply(source: Source, trigger: Trigger, audience: Audience, consent: Consent = NOTHING) -> Report:
    """Make it so, and return what became of every step of the plan.

    GuardRefusedError if a guard refuses what `consent` does not name; everything else as `run` raises it.
    """
    agreed = replace(consent, going_back=consent.going_back or trigger.asked.via == "rollback")

    @asynccontextmanager
    async def begin(lock: Lock) -> AsyncIterator[Work]:
        async def look(commit: str, cluster: Cluster, link: Link) -> tuple[Locked, Observed]:
            locked = await lock(commit, cluster, link)
            return locked, await observe_cluster(cluster, link, audience.say)

        async with read_and_look(source, audience.say, look) as (validated, link, (locked, observed)):
            cluster = validated.desired.cluster

            async def look_again() -> Observed:
                return await observe_cluster(cluster, link, audience.say)

            async def decide(observed: Observed) -> Plan:
                return (await compare.compare(validated, observed, link, audience.say, agreed)).plan

            yield Work(
                cluster,
                link,
                locked,
                observed,
                look_again,
                decide,
                refuse,
                Scope(source.only, source.stacks),
                known_secrets(validated.desired, validated.objects),
            )

    return await run(source.repo, trigger, audience, begin)
