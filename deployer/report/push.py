"""What whoever pushed reads of a deploy: its events, a few lines a second at most, and its report."""

from __future__ import annotations

import time
from collections import Counter
from typing import TYPE_CHECKING, Final

from deployer.model.amounts import duration, plural
from deployer.plan.operations import describe
from deployer.plan.outcome import Began, Done, Ended, Event, Failed, Progress, Skipped
from deployer.plan.text import summary
from deployer.report.plan import place
from deployer.report.table import table
from deployer.report.words import counts, outcome_text

if TYPE_CHECKING:
    from collections.abc import Callable

    from deployer.plan.outcome import Report
    from deployer.plan.steps import Plan
    from deployer.report.voice import Voice

PAUSE: Final = 0.3
"""Seconds between two lines of progress."""


class PushProgress:
    """What the workflow talks to while a push is deployed: a line for each step that ended, or how many did."""

    def __init__(self, voice: Voice, clock: Callable[[], float] = time.monotonic) -> None:
        self._voice = voice
        self._clock = clock
        self._last = -PAUSE
        self._unsaid = 0
        self._said_last = ""

    def say(self, line: str) -> None:
        if line != self._said_last and self._turn():
            self._said_last = line
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
                    self._tell_done(f"{subject}: {verb}: {outcome_text(outcome)}")
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

    def _tell_done(self, text: str) -> None:
        if self._turn():
            self._catch_up()
            self._voice.step(text)
        else:
            self._unsaid += 1

    def _catch_up(self) -> None:
        if self._unsaid:
            self._voice.detail(f"and {plural(self._unsaid, 'step')} more done")
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
