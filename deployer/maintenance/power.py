"""Machines switched off; and what SSH cannot do, said."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from typing import TYPE_CHECKING

from deployer.diff.cause import Cause
from deployer.diff.change import Blocked
from deployer.errors import DeployerError
from deployer.model.observed import Unreachable
from deployer.plan.draft import Draft
from deployer.plan.maintenance import PowerOff, quorum
from deployer.plan.steps import Plan
from deployer.remote import Link
from deployer.workflow.maintain import Seen, Terms, check_names, maintain, read_desired, takes_consul_away

if TYPE_CHECKING:
    from collections.abc import Sequence

    from deployer.plan.outcome import Report
    from deployer.workflow.run import Audience
    from deployer.workflow.validate import Source


async def switch_off(
    source: Source, names: Sequence[str], audience: Audience, terms: Terms, *, hard: bool, force: bool
) -> Report:
    """All at once. Those that do not answer count as off. Refused, without `force`, where the swarm would lose its quorum."""
    desired = read_desired(source)
    wanted = check_names(desired.cluster, names)

    async def decide(seen: Seen) -> Plan:
        draft = Draft()
        nodes = [seen.desired.cluster.node(name) for name in wanted]
        up = [node.name for node in nodes if not isinstance(seen.observed.machines[node.name], Unreachable)]
        for name in up:
            draft.add(PowerOff(name, hard), Cause.ASKED)
        here = "it is the machine that deployer runs on"
        blocked = [Blocked(node.name, here, "switch it off yourself") for node in nodes if node.local]
        blocked += [] if force else quorum(seen.observed, up)
        purpose = f"switch off {', '.join(up)}" if up else f"{', '.join(wanted)}: off already"
        steps = () if blocked else tuple(draft.steps)
        return Plan(desired.cluster.name, desired.commit, steps, tuple(blocked), purpose=purpose)

    return await maintain(
        source, desired, decide, audience, replace(terms, alone=takes_consul_away(desired.cluster, wanted))
    )


async def running(source: Source, names: Sequence[str]) -> dict[str, bool]:
    """Whether each of the machines answers over SSH."""
    desired = read_desired(source)
    wanted = check_names(desired.cluster, names)

    async def answers(link: Link, name: str) -> bool:
        try:
            await link.to(name)
        except DeployerError:
            return False
        return True

    async with Link(desired.cluster) as link:
        found = await asyncio.gather(*(answers(link, name) for name in wanted))
    return dict(zip(wanted, found, strict=True))
