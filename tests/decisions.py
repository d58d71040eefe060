"""What is decided of a commit and a snapshot, and differences and plans as tests read them."""

from collections.abc import Mapping, Sequence
from typing import TypeVar

from deployer.diff.change import Diff
from deployer.diff.cluster import diff
from deployer.diff.stacks import ServiceDiffers
from deployer.diff.status import status
from deployer.model.build import BuiltImage
from deployer.model.desired import Desired
from deployer.model.observed import Observed, Registrations, Unreachable
from deployer.model.stack import StackObjects
from deployer.model.status import Status
from deployer.plan.build import build_plan
from deployer.plan.operations import describe
from deployer.plan.outcome import Skipped
from deployer.plan.steps import Plan
from tests.model_cluster import foresee_outcomes

T = TypeVar("T")


def decide(
    desired: Desired,
    observed: Observed,
    objects: Sequence[StackObjects] = (),
    built: Mapping[str, BuiltImage] | None = None,
) -> Plan:
    """The plan of a run that finds the cluster so; `objects` are the commit's stacks, compiled."""
    return build_plan(diff(desired, objects, observed, built), desired, objects, observed)


def get_status(
    desired: Desired,
    observed: Observed,
    objects: Sequence[StackObjects] = (),
    registered: Mapping[str, Registrations | Unreachable] | None = None,
) -> Status:
    """What `deployer status` would say of a cluster that it finds so."""
    return status(desired, objects, observed, diff(desired, objects, observed), registered)


def get_change(found: Diff, kind: type[T]) -> T:
    """The only change, which is of that kind."""
    (change,) = found.changes
    assert isinstance(change, kind)
    return change


def get_update(found: Diff) -> ServiceDiffers:
    """The only change, which is the update of a service."""
    return get_change(found, ServiceDiffers)


def list_reasons(found: Diff | Plan) -> list[tuple[str, str]]:
    """(subject, reason) of all that is blocked."""
    return [(one.subject, one.reason) for one in found.blocked]


def list_refusals(plan: Plan) -> list[str]:
    """`subject: reason` of all that is in the way, where nothing is done because of it."""
    assert not plan.steps
    return [f"{subject}: {reason}" for subject, reason in list_reasons(plan)]


def list_kinds(plan: Plan) -> list[str]:
    """The names of the steps' operations."""
    return [type(step.operation).__name__ for step in plan.steps]


def find_step(plan: Plan, subject: str, words: str) -> int:
    """The number of the only step on `subject` whose description begins with `words`."""
    told = {step.number: describe(step.operation) for step in plan.steps}
    (found,) = (number for number, (about, verb) in told.items() if about == subject and verb.startswith(words))
    return found


def list_skipped(plan: Plan, *failing: int) -> set[str]:
    """What is not tried when these steps fail: `subject: first word`."""
    outcomes = foresee_outcomes(plan, failing)
    told = [describe(step.operation) for step in plan.steps if isinstance(outcomes[step.number], Skipped)]
    return {f"{subject}: {verb.partition(' ')[0]}" for subject, verb in told}
