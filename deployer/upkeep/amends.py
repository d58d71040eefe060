"""A report in, the plan that puts machines back into service out: those that were drained and then not touched. Pure.

A machine whose own step failed stays drained: what is wrong with it is for a person to see, and `deployer apply` puts it back.
"""

from __future__ import annotations

from dataclasses import replace

from deployer.diff.change import Cause
from deployer.plan import Done, Failed, Plan, Report, Skipped, Step, describe
from deployer.plan.care import AwaitDrained, AwaitReady, SetAvailability


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
        back = next(one.operation for one in plan.steps if one.number > step.number and _activates(one, operation.node))
        steps.append(Step(len(plan.steps) + len(steps) + 1, back, Cause.ASKED))
    return replace(plan, steps=tuple(steps), blocked=())


def joined(report: Report, after: Report) -> Report:
    """Both as one: what the first run skipped and the second one did is in both, under numbers of its own."""
    plan = replace(report.plan, steps=(*report.plan.steps, *after.plan.steps))
    return replace(
        report,
        plan=plan,
        outcomes={**report.outcomes, **after.outcomes},
        seconds=report.seconds + after.seconds,
        stopped=report.stopped or after.stopped,
    )


def _activates(step: Step, node: str) -> bool:
    operation = step.operation
    return isinstance(operation, SetAvailability) and operation.node == node and operation.availability != "drain"


def _goes_back(report: Report, node: str) -> bool:
    """Whether it is not active again, and nothing was done to it that failed."""
    for step in report.plan.steps:
        if describe(step.operation)[0] != node:
            continue
        outcome = report.outcome(step)
        if _activates(step, node) and isinstance(outcome, Done):
            return False
        waits = isinstance(step.operation, AwaitDrained | SetAvailability | AwaitReady)
        if isinstance(outcome, Failed) and not waits:
            return False
    return True
