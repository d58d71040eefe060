"""A report in, the plan that puts machines back into service out: those that were drained and then not touched. Pure.

A machine whose own step failed stays drained: what is wrong with it is for a person to see, and `deployer apply` puts it back.
"""

from __future__ import annotations

from dataclasses import replace

from deployer.diff.change import Cause
from deployer.plan import Done, Failed, Plan, Report, Skipped, Step, describe
from deployer.plan.care import AwaitDrained, Demote, LeaveSwarm, RemoveMember, SetAvailability


def amends(report: Report) -> Plan:
    """One step a machine, numbered after the report's own."""
    plan = report.plan
    steps: list[Step] = []
    for step in plan.steps:
        operation = step.operation
        if not isinstance(operation, SetAvailability) or operation.availability != "drain":
            continue
        if isinstance(report.outcome(step), Skipped) or not _goes_back(report, operation.node):
            continue
        planned = (one.operation for one in plan.steps if one.number > step.number and _activates(one, operation.node))
        back = next(planned, replace(operation, availability="active"))
        steps.append(Step(len(plan.steps) + len(steps) + 1, back, Cause.ASKED))
    return replace(plan, steps=tuple(steps), blocked=())


def joined(report: Report, after: Report) -> Report:
    """Both as one; the second one's steps get the numbers that follow the first one's."""
    first = len(report.plan.steps)
    shift = first if any(step.number <= first for step in after.plan.steps) else 0
    moved = tuple(
        replace(step, number=step.number + shift, needs=tuple(number + shift for number in step.needs))
        for step in after.plan.steps
    )
    return replace(
        report,
        plan=replace(report.plan, steps=(*report.plan.steps, *moved)),
        outcomes={**report.outcomes, **{number + shift: outcome for number, outcome in after.outcomes.items()}},
        seconds=report.seconds + after.seconds,
        stopped=report.stopped or after.stopped,
    )


def _activates(step: Step, node: str) -> bool:
    operation = step.operation
    return isinstance(operation, SetAvailability) and operation.node == node and operation.availability != "drain"


def _goes_back(report: Report, node: str) -> bool:
    """Whether it is not active again, nothing that was done to it failed, and it has not begun to leave."""
    for step in report.plan.steps:
        if describe(step.operation)[0] != node:
            continue
        outcome = report.outcome(step)
        if isinstance(outcome, Done) and (
            _activates(step, node) or isinstance(step.operation, Demote | LeaveSwarm | RemoveMember)
        ):
            return False
        if isinstance(outcome, Failed) and not isinstance(step.operation, AwaitDrained | SetAvailability):
            return False
    return True
