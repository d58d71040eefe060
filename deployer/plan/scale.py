"""The plan that sets counts of services live, and changes nothing else. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from deployer.diff.cause import Cause
from deployer.diff.change import Blocked
from deployer.diff.drift import COUNT_PATHS
from deployer.diff.effect import Effect
from deployer.diff.seen import blocked_by_foreign
from deployer.model import labels
from deployer.model.field import Field
from deployer.model.nearest import did_you_mean
from deployer.model.spec import ServiceSpec
from deployer.plan.draft import Draft
from deployer.plan.stacks import AwaitServices, UpdateService
from deployer.plan.steps import Plan

if TYPE_CHECKING:
    from collections.abc import Sequence

    from deployer.model.counts import Wanted
    from deployer.model.observed import LiveService, Swarm

WAIT_SECONDS: Final = 180.0
"""As for a stack that says nothing of it."""


def scale_plan(cluster: str, commit: str, wanted: Sequence[Wanted], swarm: Swarm | None) -> Plan:
    """The plan that sets counts. The services' labels stay as well, so that the next plan knows that they drifted."""
    draft, blocked = Draft(), []
    if swarm is None:
        return Plan(cluster, commit, (), (Blocked("swarm", "no manager could be asked", "bring one back"),))
    live = {service.name: service for service in swarm.services}
    ours = [name for name, service in live.items() if service.labels.get(labels.CLUSTER) == cluster]
    unchanged = 0
    for one in wanted:
        service = live.get(one.name)
        obstacle = _obstacle(one, service, ours)
        if obstacle is not None or service is None:
            blocked += [obstacle] if obstacle else []
            continue
        spec = ServiceSpec(service.spec)
        old, body = spec.count or 0, spec.with_count(one.count).raw
        if old == one.count:
            unchanged += 1
            continue
        fields = tuple(Field(path, old, one.count) for path in sorted(COUNT_PATHS))
        update, effect = (
            UpdateService(one.stack, one.name, body, service),
            Effect(starts=max(one.count - old, 0), stops=max(old - one.count, 0)),
        )
        draft.add(update, Cause.ASKED, fields, makes=("service", one.name), effect=effect)
    for stack in sorted({step.operation.stack for step in draft.steps if isinstance(step.operation, UpdateService)}):
        names = [one.name for one in wanted if one.stack == stack and ("service", one.name) in draft.made]
        draft.add(AwaitServices(stack, tuple(sorted(names)), WAIT_SECONDS), None, needs=[("service", n) for n in names])
    return Plan(cluster, commit, tuple(draft.steps), tuple(blocked), unchanged, swarm.via)


def _obstacle(wanted: Wanted, service: LiveService | None, ours: Sequence[str]) -> Blocked | None:
    subject = f"service {wanted.name}"
    if service is None:
        return Blocked(subject, "there is no such service", did_you_mean(wanted.name, ours, "see deployer status"))
    if wanted.name not in ours:
        return blocked_by_foreign("service", wanted.name)
    spec = ServiceSpec(service.spec)
    if spec.mode != "Replicated":
        what = "it is a job" if spec.job else "one runs on every machine"
        return Blocked(subject, f"it has no count: {what}", "placement constraints choose the machines")
    return None
