"""The part of a plan that concerns some stacks only. Pure."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from deployer.diff.change import Blocked
from deployer.errors import UsageError
from deployer.model.nearest import did_you_mean
from deployer.plan.operations import describe
from deployer.plan.stacks import AwaitServices

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from deployer.model.desired import Desired
    from deployer.plan.steps import Plan, Step


def unknown_stacks(names: Sequence[str], desired: Desired) -> None:
    """Raises UsageError where there is no stack of one of these names."""
    known = [stack.name for stack in desired.stacks]
    for name in names:
        if name not in known:
            advice = did_you_mean(name, known, f"there are {', '.join(known[:10]) or 'none'}")
            raise UsageError(f"there is no stack {name[:100]!r}", help=advice)


def restrict_plan(plan: Plan, stacks: Sequence[str], desired: Desired) -> Plan:
    """The plan with the steps of those stacks alone, numbered anew; the whole plan where none is named.

    Waits for other stacks are left out, as whoever asks for one stack alone wants it now. What else they need and the plan
    would make elsewhere (a network of another stack, a swarm that is not there) is an obstacle, named. Obstacles of other
    stacks' are left out; those of machines stay, for what could not be asked may be anything.
    """
    if not stacks:
        return plan
    wanted = [step for step in plan.steps if step.operation.stack in stacks]
    lacking: dict[int, Blocked] = {}
    by_number = {step.number: step for step in plan.steps}
    for step in wanted:
        for number in step.needs:
            needed = by_number[number]
            if needed not in wanted and not isinstance(needed.operation, AwaitServices):
                lacking.setdefault(number, _lacking(step, needed))
    kept = [step for step in wanted if not lacking.keys() & _all_needs(step, by_number)]
    there = {step.number for step in kept}
    kept = [step for step in kept if not (step.any_of or step.rescues) or there & {*step.any_of, *step.rescues}]
    numbers = {step.number: number for number, step in enumerate(kept, 1)}

    def anew(earlier: Sequence[int]) -> tuple[int, ...]:
        return tuple(numbers[number] for number in earlier if number in numbers)

    steps = tuple(
        replace(
            step,
            number=numbers[step.number],
            needs=anew(step.needs),
            follows=anew(step.follows),
            any_of=anew(step.any_of),
            rescues=anew(step.rescues),
        )
        for step in kept
    )
    known = [stack.name for stack in desired.stacks]
    blocked = [one for one in plan.blocked if _owner(one, known) in {"", *stacks}]
    return replace(plan, steps=steps, blocked=(*blocked, *lacking.values()), only=tuple(stacks))


def _lacking(step: Step, needed: Step) -> Blocked:
    subject, verb = describe(needed.operation)
    other = needed.operation.stack
    advice = f"name that stack as well: --only {other}" if other else "apply everything first: deployer apply"
    return Blocked(describe(step.operation)[0], f"needs another step first, {subject}: {verb}", advice)


def _all_needs(step: Step, by_number: dict[int, Step]) -> set[int]:
    found: set[int] = set()
    waiting = [step.number]
    while waiting:
        for number in by_number[waiting.pop()].needs:
            if number not in found and not isinstance(by_number[number].operation, AwaitServices):
                found.add(number)
                waiting.append(number)
    return found


def _owner(obstacle: Blocked, known: Iterable[str]) -> str:
    """The stack that an obstacle is about (`service web_api`, `stack web`); empty where it is about a machine."""
    name = obstacle.subject.partition(" ")[2]
    return max((stack for stack in known if name == stack or name.startswith(f"{stack}_")), key=len, default="")
