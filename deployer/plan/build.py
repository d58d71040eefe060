"""The whole plan. Pure, and the same for the same input, byte for byte.

Order: engines, daemon.json, swarm, Consul, registration, the registrator; then the networks, configs and secrets of all stacks (a stack
may use another one's), and stack after stack as `after` says its services in `depends_on` order and the wait for them.
Machines are prepared side by side; stacks too, where nothing orders them.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from deployer.diff.seen import seen_of
from deployer.plan.consul import catalogue_steps
from deployer.plan.departed import departed_steps
from deployer.plan.draft import Draft
from deployer.plan.machines import engine_steps
from deployer.plan.projects import project_steps, remove_projects
from deployer.plan.registrator import registrator_steps
from deployer.plan.removals import make_room, remove_surplus
from deployer.plan.stacks import in_order, object_steps, service_steps
from deployer.plan.steps import Plan
from deployer.plan.swarm import manager_of, member_step, swarm_steps
from deployer.plan.tls import tls_steps

if TYPE_CHECKING:
    from collections.abc import Sequence

    from deployer.diff.change import Blocked, Diff
    from deployer.model.desired import Desired
    from deployer.model.observed import Observed
    from deployer.model.stack import StackObjects


def build_plan(
    diff: Diff,
    desired: Desired,
    objects: Sequence[StackObjects],
    observed: Observed,
    refused: tuple[Blocked, ...] = (),
) -> Plan:
    """The ordered steps for all changes of `diff`; `refused` is why none of them may be done."""
    draft = Draft()
    manager = manager_of(diff, desired, observed)
    engine_steps(draft, diff)
    tls_steps(draft, diff)
    last = swarm_steps(draft, diff, manager)
    catalogue_steps(draft, diff, desired, observed)
    registrator_steps(draft, diff)
    machines = tuple(step.number for step in draft.steps)
    compiled = {stack.stack: stack for stack in objects}
    sources = [(source, after) for source, after in in_order(desired.stacks) if source.name in compiled]
    for source, _ in sources:
        object_steps(draft, source.name, diff, machines)
    make_room(draft, diff, machines)
    ready = seen_of(observed.swarm).all_ready
    for source, after in sources:
        service_steps(draft, source, after, compiled[source.name], diff, machines, all_ready=ready)
        project_steps(draft, source, after, diff, machines)
    remove_surplus(draft, diff)
    remove_projects(draft, diff, desired.cluster.name)
    departed_steps(draft, diff, desired, observed, manager)
    everything = tuple(step.number for step in draft.steps)
    for change in last:
        member_step(draft, change, manager, follows=everything)
    return Plan(
        desired.cluster.name,
        desired.commit,
        tuple(draft.steps),
        diff.blocked,
        diff.unchanged,
        manager,
        diff.drifted,
        refused=refused,
        kept=diff.kept,
        warned=diff.warned,
    )
