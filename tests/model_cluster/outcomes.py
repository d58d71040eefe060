"""A whole plan: which of its steps are done, and the cluster after them."""

from collections.abc import Container
from collections.abc import Set as AbstractSet
from dataclasses import replace

from deployer.model.observed import Observed
from deployer.plan.operations import Operation
from deployer.plan.outcome import Done, Failed, Outcome, Skipped
from deployer.plan.stacks import AwaitServices, CreateService, ReplaceService, RollBackStack, UpdateService
from deployer.plan.steps import Plan
from tests.model_cluster.step import run_step

Writing = CreateService | UpdateService | ReplaceService
NOT_NEEDED = Done(0.0, "not needed")


def run_plan(seen: Observed, plan: Plan, *, failing: Container[int] = (), last: int | None = None) -> Observed:
    """The cluster after the plan. Steps in `failing` fail and change nothing; none begins after the step `last`."""
    outcomes = foresee_outcomes(plan, failing, last)
    done = {step.number for step in plan.steps if isinstance(outcomes[step.number], Done)}
    writing = {step.number: step.operation.name for step in plan.steps if isinstance(step.operation, Writing)}
    unwritten = {name for number, name in writing.items() if number not in done}
    for step in plan.steps:
        if step.number in done and outcomes[step.number] != NOT_NEEDED:
            seen = run_step(_leave_out(step.operation, unwritten), seen, plan.manager)
    return seen


def _leave_out(operation: Operation, unwritten: AbstractSet[str]) -> Operation:
    """The executor neither waits for a service that was to be written and was not, nor takes it back (world.py, `waited_for`)."""
    if isinstance(operation, AwaitServices):
        return replace(operation, services=tuple(name for name in operation.services if name not in unwritten))
    if isinstance(operation, RollBackStack):
        back = tuple(one for one in operation.back if one.service not in unwritten)
        return replace(operation, back=back, created=tuple(name for name in operation.created if name not in unwritten))
    return operation


def foresee_outcomes(plan: Plan, failing: Container[int] = (), last: int | None = None) -> dict[int, Outcome]:
    """What becomes of each step, as the executor does it (deployer/execute/walk.py): the same rules, without doing anything."""
    outcomes: dict[int, Outcome] = {}
    for step in plan.steps:
        because = [number for number in step.needs if not isinstance(outcomes[number], Done)]
        if step.any_of and not any(isinstance(outcomes[number], Done) for number in step.any_of):
            because.append(step.any_of[0])
        if step.rescues and not any(isinstance(outcomes[number], Failed) for number in step.rescues):
            outcomes[step.number] = NOT_NEEDED
        elif because or (last is not None and step.number > last):
            outcomes[step.number] = Skipped(because[0] if because else 0)
        else:
            outcomes[step.number] = Failed(0.0, "it was to fail") if step.number in failing else Done(0.0)
    return outcomes
