"""Set counts that somebody asks for by hand: written into git, or live and nowhere else."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from deployer.compose.counts import rescale
from deployer.model.counts import Scaling, scale_message
from deployer.plan.scale import scale_plan
from deployer.source import commit_edited
from deployer.workflow.maintain import Terms, maintain, read_desired
from deployer.workflow.validate import validate

if TYPE_CHECKING:
    from collections.abc import Sequence

    from deployer.model.counts import Wanted
    from deployer.plan.outcome import Report
    from deployer.plan.steps import Plan
    from deployer.workflow.maintain import Seen
    from deployer.workflow.run import Audience, Trigger
    from deployer.workflow.validate import Say, Source


def commit_counts(source: Source, say: Say, wanted: Sequence[Wanted]) -> Scaling:
    """Write the counts into the stack files and commit those alone. No machine is asked.

    UsageError for what is not there or has no count, GuardRefusedError if a file has changes that are not committed.
    """
    validated = validate(source, say)
    scaled, edited = rescale(validated.desired.stacks, validated.objects, wanted)
    if not edited:
        return Scaling(validated.desired.commit, (), committed=False)
    return Scaling(commit_edited(source.repo, edited, scale_message(scaled)), scaled, committed=True)


async def set_counts(source: Source, trigger: Trigger, audience: Audience, wanted: Sequence[Wanted]) -> Report:
    """Set the counts live and nowhere else: the next `apply` takes them back. Raises what `maintain` raises."""
    desired = read_desired(source)

    async def decide(seen: Seen) -> Plan:
        plan = scale_plan(desired.cluster.name, desired.commit, wanted, seen.observed.swarm)
        return replace(plan, purpose=f"scale {', '.join(f'{one.name}={one.count}' for one in wanted)}, live only")

    stacks = tuple(dict.fromkeys(one.stack for one in wanted))
    return await maintain(source, desired, decide, audience, Terms(trigger, strict=False, drifts=True, stacks=stacks))
