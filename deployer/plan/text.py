"""A plan as text: the stable form that people read and tests compare."""

from __future__ import annotations

from typing import TYPE_CHECKING

from deployer.model.commit import short
from deployer.model.printable import printable
from deployer.plan.field_text import field_text
from deployer.plan.operations import describe, mark, on_failure

if TYPE_CHECKING:
    from deployer.diff.change import Drifted
    from deployer.plan.steps import Plan, Step


def plan_text(plan: Plan) -> str:
    """The whole plan: a line a step, the differing fields below it, what is blocked, and the sum last."""
    only = f", only {', '.join(plan.only)}" if plan.only else ""
    purpose = f": {plan.purpose}" if plan.purpose else ""
    lines = [printable(f"Plan for {plan.cluster} at {short(plan.commit)}{only}{purpose}"), ""]
    for step in plan.steps:
        lines.append(step_text(step))
        lines += [f"       {line}" for line in step_fields(step)]
        lines += [f"       {printable(line)}" for line in on_failure(step.operation)]
    for block in ([""] if plan.steps else [], _left(plan), _not_done(plan)):
        lines += [*block, ""] if any(block) else block
    lines.append(summary(plan))
    return "\n".join(lines) + "\n"


def _left(plan: Plan) -> list[str]:
    """What stays although git says otherwise."""
    lines: list[str] = []
    for left in plan.drifted:
        lines.append(printable(drifted_text(left)))
        lines += [f"       {field_text(field)}" for field in left.fields]
    return lines + [printable(f"= {kept.subject}: not in git any more, and stays: {kept.reason}") for kept in plan.kept]


def _not_done(plan: Plan) -> list[str]:
    """What cannot be done, what guards refuse, and what will cause trouble."""
    told = [*(("!", obstacle) for obstacle in plan.blocked), *(("x", guard) for guard in plan.refused)]
    lines: list[str] = []
    for sign, one in told:
        lines.append(printable(f"{sign} {one.told}"))
        lines += [f"    {printable(one.help)}"] if one.help else []
    for warned in plan.warned:
        lines += [printable(f"warning: {warned.subject}: {warned.reason}"), f"    {printable(warned.help)}"]
    return lines


def summary(plan: Plan) -> str:
    """`Plan: 2 to add, 1 to change, 0 to remove (4 unchanged).`"""
    if plan.empty and plan.purpose:
        return "No changes: there is nothing to do."
    if plan.empty:
        drifted = f", but for {len(plan.drifted)} drifted and left" if plan.drifted else ""
        return f"No changes: everything is as {short(plan.commit)} says{drifted} ({plan.unchanged} unchanged)."
    added, changed, removed = totals(plan)
    blocked = f"; {len(plan.blocked)} cannot be done" if plan.blocked else ""
    drifted = f"; {len(plan.drifted)} drifted and left" if plan.drifted else ""
    refused = "; refused: nothing of it is done" if plan.refused else ""
    counts = f"{added} to add, {changed} to change, {removed} to remove"
    return f"Plan: {counts} ({plan.unchanged} unchanged){blocked}{drifted}{refused}."


def totals(plan: Plan) -> tuple[int, int, int]:
    """(to add, to change, to remove); what is replaced is removed and added."""
    marks = [mark(step.operation) for step in plan.steps]
    both = marks.count("-/+")
    return marks.count("+") + both, marks.count("~"), marks.count("-") + both


def step_text(step: Step) -> str:
    """`+ #3 slave: join the swarm as worker at 10.0.0.3 (not found)`"""
    subject, verb = describe(step.operation)
    cause = f" ({step.cause})" if step.cause else ""
    effect = f": {step.effect}" if step.effect else ""
    return printable(f"{mark(step.operation)} #{step.number} {subject}: {verb}{cause}{effect}")


def step_fields(step: Step) -> list[str]:
    """A line a field. Which of them drifted is said where others did not."""
    mixed = len({field.drifted for field in step.fields}) > 1
    return [f"{field_text(field)}{' (drifted)' if mixed and field.drifted else ''}" for field in step.fields]


def drifted_text(left: Drifted) -> str:
    """`= s_web: drifted, left as it is (drift: report)`"""
    return f"= {left.name}: drifted, left as it is (drift: report)"
