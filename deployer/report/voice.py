"""What a hook says to whoever pushes: lines that look well behind `remote: `, in Dokku's grammar.

    -----> a step     =====> the result      !     what is wrong         a detail

A line has fewer than 72 columns, but for source lines of problems, which would lose their carets.
"""

from __future__ import annotations

import textwrap
from typing import IO, TYPE_CHECKING, Final

from deployer.model.printable import printable
from deployer.report.stream import tell
from deployer.startup import defer_imports

if TYPE_CHECKING:
    from collections.abc import Sequence

    from deployer.model.problem import Problem
    from deployer.plan.steps import Plan

with defer_imports():
    from deployer.plan import field_text
    from deployer.plan import text as plan_text
    from deployer.report import paint
    from deployer.report import problems as report_problems

WIDEST: Final = 71
MOST_STEPS: Final = 40
"""Of a plan that are shown."""
MOST_PROBLEMS: Final = 50


class Voice:
    """Lines to whoever pushes; that they stopped listening disturbs nothing."""

    def __init__(self, stream: IO[str]) -> None:
        self._stream = stream

    def step(self, text: str) -> None:
        self._say("-----> ", text)

    def detail(self, text: str) -> None:
        self._say("       ", text)

    def result(self, text: str) -> None:
        self._say("=====> ", text)

    def error(self, text: str, advice: str = "") -> None:
        self._say(" !     ", text, " !     ")
        if advice:
            self._say(" !     ", advice, " !     ")

    def problems(self, problems: Sequence[Problem]) -> None:
        """As `validate` prints them."""
        shown = sorted(set(problems), key=lambda problem: (problem.severity, problem))[:MOST_PROBLEMS]
        tell(self._stream, f"\n{report_problems.problems_text(shown, paint.Paint(on=False))}\n")
        if len(shown) < len(set(problems)):
            self.error(f"These are the first {len(shown)}; in all {report_problems.summary(problems)}")

    def plan(self, plan: Plan) -> None:
        """The sum, then a line a step with what differs."""
        self.step(plan_text.summary(plan))
        for step in plan.steps[:MOST_STEPS]:
            self.detail(plan_text.step_text(step))
            for line in plan_text.step_fields(step):
                self.detail(f"  {line}")
        if len(plan.steps) > MOST_STEPS:
            self.detail(f"and {len(plan.steps) - MOST_STEPS} steps more: `deployer plan` lists all")
        for left in plan.drifted:
            self.detail(plan_text.drifted_text(left))
            for field in left.fields:
                self.detail(f"  {field_text.field_text(field)}")
        self.blocked(plan)

    def blocked(self, plan: Plan) -> None:
        """What cannot be done, and what helps."""
        for obstacle in plan.blocked:
            self.error(obstacle.told, obstacle.help)

    def _say(self, first: str, text: str, other: str = "       ") -> None:
        indent = " " * (len(text) - len(text.lstrip(" ")))
        lines = textwrap.wrap(
            printable(text.strip()),
            WIDEST,
            initial_indent=first + indent,
            subsequent_indent=other + indent,
            break_long_words=False,
            break_on_hyphens=False,
        )
        tell(self._stream, "".join(f"{line}\n" for line in lines))
