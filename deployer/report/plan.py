"""A plan's text in colour, where on the cluster a step is at work, and the exit code of `deployer plan`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, Literal

from deployer.errors import GuardRefusedError
from deployer.plan.outcome import Report
from deployer.plan.text import plan_text

if TYPE_CHECKING:
    from deployer.plan.operations import Operation
    from deployer.plan.steps import Plan
    from deployer.report.paint import Paint, Tone

TONES: Final[dict[str, Tone]] = {
    "+": "green", "~": "yellow", "-": "red", "!": "red", "x": "red", "=": "yellow", "w": "yellow", ".": "dim", " ": "dim",
}  # fmt: skip
"""By a line's first character: adds, changes, removes, cannot be done, is refused, is left as it is, warns, waits, and details below one
of these."""


def paint_plan(plan: Plan, paint: Paint) -> str:
    """`plan_text` with each line in the colour of its mark, the heading and the sum in bold."""
    lines = plan_text(plan).splitlines()
    last = len(lines) - 1
    painted = (
        paint(line, "bold") if number in {0, last} else paint(line, TONES[line[0]]) if line[:1] in TONES else line
        for number, line in enumerate(lines)
    )
    return "".join(f"{line}\n" for line in painted)


def place(operation: Operation) -> tuple[Literal["machine", "stack"], str]:
    """The machine or the stack whose work a step is: what progress is grouped by."""
    return ("stack", operation.stack) if operation.stack else ("machine", operation.node)


def exit_code(plan: Plan, *, detailed: bool) -> int:
    """0, or with `detailed` 2 where not everything is as git says; where something cannot be done, what `apply` would end with."""
    if plan.refused:
        return GuardRefusedError.exit_code
    if plan.blocked:
        return Report(plan).exit_code
    return 2 if detailed and (plan.steps or plan.drifted) else 0
