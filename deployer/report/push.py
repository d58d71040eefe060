"""A hook's steps, plan and report in, lines that look well behind `remote: ` out (UX.md, A3: Dokku's grammar).

    -----> a step     =====> the result      !     what is wrong         a detail

A line has fewer than 72 columns, but for source lines of problems, which would lose their carets. A few a second at most.
"""

from __future__ import annotations

import textwrap
import time
from collections import Counter
from typing import IO, TYPE_CHECKING, Final

from deployer.model.printable import printable
from deployer.plan.outcome import Began, Done, Ended, Event, Failed, Progress, Skipped
from deployer.plan.text import describe, field_text, step_text, summary
from deployer.report.paint import Paint
from deployer.report.plan import place
from deployer.report.problems import problems_text
from deployer.report.problems import summary as problems_summary
from deployer.report.stream import tell
from deployer.report.table import table
from deployer.report.words import counts, duration, outcome_text

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from deployer.model.problem import Problem
    from deployer.plan.outcome import Report
    from deployer.plan.steps import Plan

WIDEST: Final = 71
PAUSE: Final = 0.3
"""Seconds between two lines of progress."""
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
        tell(self._stream, f"\n{problems_text(shown, Paint(on=False))}\n")
        if len(shown) < len(set(problems)):
            self.error(f"These are the first {len(shown)}; in all {problems_summary(problems)}")

    def plan(self, plan: Plan) -> None:
        """The sum, then a line a step with what differs."""
        self.step(summary(plan))
        for step in plan.steps[:MOST_STEPS]:
            self.detail(step_text(step))
            for field in step.fields:
                self.detail(f"  {field_text(field)}")
        if len(plan.steps) > MOST_STEPS:
            self.detail(f"and {len(plan.steps) - MOST_STEPS} steps more: `deployer plan` lists all")
        self.blocked(plan)

    def blocked(self, plan: Plan) -> None:
        """What cannot be done, and what helps."""
        for obstacle in plan.blocked:
            self.error(f"{obstacle.subject}: {obstacle.reason}", obstacle.help)

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


class PushProgress:
    """What the workflow talks to while a push is deployed: a line for each step that ended, or how many did."""

    def __init__(self, voice: Voice, clock: Callable[[], float] = time.monotonic) -> None:
        self._voice = voice
        self._clock = clock
        self._last = -PAUSE
        self._unsaid = 0

    def say(self, line: str) -> None:
        if self._turn():
            self._voice.step(f"{line[:1].upper()}{line[1:]}")

    def show(self, plan: Plan) -> None:
        self._voice.step(summary(plan))

    def listen(self, event: Event) -> None:
        subject, verb = describe(event.step.operation)
        match event:
            case Ended(_, outcome):
                if isinstance(outcome, Failed):
                    self._voice.error(f"{subject}: {verb}: {outcome_text(outcome)}")
                elif not isinstance(outcome, Skipped):
                    self._said(self._turn(), f"{subject}: {verb}: {outcome_text(outcome)}")
            case Progress(_, text):
                if self._turn():
                    self._voice.detail(f"{subject}: {text}")
            case Began():
                pass

    def end(self, report: Report) -> None:
        self._catch_up()
        failed = [step for step in report.plan.steps if isinstance(report.outcome(step), Failed)]
        for step in failed:
            outcome = report.outcome(step)
            if isinstance(outcome, Failed) and outcome.log:
                self._voice.error(f"last lines of {describe(step.operation)[0]}:")
                for line in outcome.log:
                    self._voice.error(f"  {line}")
        self._voice.blocked(report.plan)
        for line in _table(report):
            self._voice.detail(line)

    def close(self) -> None:
        self._catch_up()

    def _said(self, now: bool, text: str) -> None:  # noqa: FBT001 - read at its one place of use
        if now:
            self._catch_up()
            self._voice.step(text)
        else:
            self._unsaid += 1

    def _catch_up(self) -> None:
        if self._unsaid:
            self._voice.detail(f"and {self._unsaid} step{'' if self._unsaid == 1 else 's'} more done")
            self._unsaid = 0

    def _turn(self) -> bool:
        now = self._clock()
        if now - self._last < PAUSE:
            return False
        self._last = now
        return True


def sum_text(report: Report) -> str:
    """`5 done, 0 failed, 0 skipped in 14.2 s`"""
    done, failed, skipped = counts(report)
    blocked = f", {len(report.plan.blocked)} could not be done" if report.plan.blocked else ""
    return f"{done} done, {failed} failed, {skipped} skipped{blocked} in {duration(report.seconds)}"


def _table(report: Report) -> list[str]:
    """What became of each machine and each stack that had something to be done."""
    kinds = {Done: "done", Failed: "failed", Skipped: "skipped"}
    found: dict[tuple[str, str], Counter[str]] = {}
    for step in report.plan.steps:
        found.setdefault(place(step.operation), Counter())[kinds[type(report.outcome(step))]] += 1
    rows = [
        (next(word for word in ("failed", "skipped", "done") if counted[word]), f"{kind} {name}", str(counted.total()))
        for (kind, name), counted in found.items()
    ]
    return table(("RESULT", "WHERE", "STEPS"), rows) if rows else []
