"""Single machines made what git says: an `apply` of the named ones, without stacks. What is in order is not touched."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from deployer.diff.change import Blocked, Diff
from deployer.diff.consul import diff_catalogue
from deployer.diff.machines import diff_engines
from deployer.diff.registrator import diff_registrators
from deployer.diff.swarm import MemberDiffers, NoSwarm, NotMember, diff_swarm
from deployer.plan.build import build_plan
from deployer.workflow.maintain import Seen, Terms, check_names, maintain, read_desired

if TYPE_CHECKING:
    from collections.abc import Sequence

    from deployer.model.desired import Desired
    from deployer.model.observed import Observed
    from deployer.plan.outcome import Report
    from deployer.plan.steps import Plan
    from deployer.workflow.run import Audience
    from deployer.workflow.validate import Source


async def provision(source: Source, names: Sequence[str], audience: Audience, terms: Terms) -> Report:
    """Engine, daemon.json, swarm, Consul and registrator of these machines. UsageError for names that are none.

    Only these machines, the managers and Consul's servers are looked at, and only these machines are changed.
    """
    desired = read_desired(source)
    wanted = check_names(desired.cluster, names)
    looked = tuple(
        node.name
        for node in desired.cluster.nodes
        if node.name in wanted or node.role == "manager" or node.consul_server
    )

    async def decide(seen: Seen) -> Plan:
        return provision_plan(seen.desired, seen.observed, wanted)

    return await maintain(source, desired, decide, audience, replace(terms, machines=looked, strict=False))


def provision_plan(desired: Desired, observed: Observed, names: Sequence[str]) -> Plan:
    """What `apply` would do on these machines, and nothing else of it."""
    cluster, commit = desired.cluster, desired.commit
    parts = (
        diff_engines(cluster, observed),
        diff_swarm(cluster, observed),
        diff_catalogue(cluster, observed, commit),
        diff_registrators(cluster, observed, commit),
    )
    changes = [change for part in parts for change in part.changes]
    blocked = [one for part in parts for one in part.blocked if one.subject in {*names, "swarm"}]
    starter = next((change.node for change in changes if isinstance(change, NoSwarm)), "")
    mine = [change for change in changes if change.node in names]
    if starter and starter not in names:
        late = [name for name in names if cluster.node(name).role != "none"]
        mine = [change for change in mine if not isinstance(change, NotMember | MemberDiffers)]
        blocked += [
            Blocked(name, "there is no swarm yet that it could join", f"deployer apply, or provision {starter} first")
            for name in late
        ]
    plan = build_plan(Diff(tuple(mine), tuple(blocked)), replace(desired, stacks=()), (), observed)
    purpose = (
        f"provision {', '.join(names)}"
        if plan.steps or blocked
        else f"{', '.join(names)} {'is' if len(names) == 1 else 'are'} in order"
    )
    return replace(plan, purpose=purpose)
