"""Plan what puts machines back into service that were drained and then not touched. Pure.

A machine whose own step failed stays drained: what is wrong with it is for a person to see, and `deployer apply` puts it back.
"""

from __future__ import annotations

from dataclasses import replace

from deployer.diff.cause import Cause
from deployer.plan.maintenance import AwaitDrained, SetAvailability
from deployer.plan.operations import describe
from deployer.plan.outcome import Done, Failed, Report, Skipped
from deployer.plan.steps import Plan, Step
from deployer.plan.swarm import Demote, LeaveSwarm, RemoveMember


def plan_amends(report: Report) -> Plan:
    """Return one step a machine, numbered after the steps of the report."""
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
