"""The picture of a run as lines: its steps by machine and by stack, as events change them. Pure; `live` puts it on a terminal."""

from __future__ import annotations

from dataclasses import dataclass, field
from itertools import groupby
from typing import TYPE_CHECKING, Final, NamedTuple

from deployer.model.amounts import duration
from deployer.model.printable import printable
from deployer.plan.operations import describe
from deployer.plan.outcome import Began, Done, Ended, Event, Failed, Outcome, Progress, Skipped
from deployer.report.plan import place
from deployer.report.words import outcome_tone, why_skipped

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from deployer.plan.steps import Plan, Step
    from deployer.report.paint import Tone

LEVELS: Final = 4
"""How far a picture can be collapsed to fit: 0 not at all; 1 groups that are done to a line; 2 also the done and the
coming steps of a group; 3 also all groups where nothing is at work."""


class Line(NamedTuple):
    """One line: `text` at the left in `tone`, `time` at the right."""

    text: str
    tone: Tone | None = None
    time: str = ""


@dataclass(frozen=True)
class Marks:
    """What stands before a step: done, failed, skipped, yet to come, and the pictures of a wheel."""

    done: str
    failed: str
    skipped: str
    coming: str
    wheel: str


UNICODE: Final = Marks("✓", "✗", "-", "·", "⠋⠙⠹⠸⠼⠴⠦⠧⠇⠏")
ASCII: Final = Marks("+", "x", "-", ".", "|/-\\")


@dataclass
class Row:
    """What is known of one step so far."""

    step: Step
    began: float | None = None
    last: str = ""
    outcome: Outcome | None = None

    @property
    def done(self) -> bool:
        return isinstance(self.outcome, Done)

    @property
    def coming(self) -> bool:
        return self.began is None and self.outcome is None

    @property
    def busy(self) -> bool:
        """Worth a line of its own whatever the height: at work, failed or skipped."""
        return not self.done and not self.coming


@dataclass
class Tree:
    """The picture's memory."""

    rows: dict[int, Row] = field(default_factory=dict)

    def show(self, plan: Plan) -> None:
        self.rows = {step.number: Row(step) for step in plan.steps}

    def listen(self, event: Event, now: float) -> None:
        row = self.rows.setdefault(event.step.number, Row(event.step))
        match event:
            case Began():
                row.began = now
            case Progress(_, text):
                row.last = next((line.strip() for line in reversed(text.splitlines()) if line.strip()), row.last)
            case Ended(_, outcome):
                row.outcome = outcome

    def lines(self, now: float, height: int | None = None, marks: Marks = UNICODE) -> list[Line]:
        """The picture at `now`, collapsed as far as `height` lines need."""
        drawn: list[Line] = []
        for level in range(LEVELS):
            drawn = self._draw(now, level, marks)
            if height is None or len(drawn) <= height:
                return drawn
        return [*drawn[: height - 1], Line(f"  ... {len(drawn) - height + 1} more lines", "dim")] if height else []

    def _draw(self, now: float, level: int, marks: Marks) -> list[Line]:
        groups: dict[tuple[str, str], list[Row]] = {}
        for row in sorted(self.rows.values(), key=lambda row: place(row.step.operation)[0]):
            groups.setdefault(place(row.step.operation), []).append(row)
        if level < LEVELS - 1:
            return [line for where, rows in groups.items() for line in _group(where, rows, now, level, marks)]
        idle: list[Row] = []
        lines: list[Line] = []
        for where, rows in groups.items():
            if any(row.busy for row in rows):
                lines += _group(where, rows, now, level, marks)
            else:
                idle += rows
        return [*_count(idle, marks, ""), *lines]


def _group(where: tuple[str, str], rows: Sequence[Row], now: float, level: int, marks: Marks) -> list[Line]:
    kind, name = where
    title = f"{name} (stack)" if kind == "stack" else name
    if level and all(row.done for row in rows):
        return [Line(f"{marks.done} {title}: {len(rows)} done", "green", duration(_seconds(rows)))]
    head = Line(title, "bold")
    if level < 2:
        return [head, *(line for row in rows for line in _row(row, name, now, marks))]
    busy = [line for row in rows if row.busy for line in _row(row, name, now, marks)]
    return [head, *_count([row for row in rows if row.done], marks, "  "), *busy,
            *_count([row for row in rows if row.coming], marks, "  ")]  # fmt: skip


def _row(row: Row, group: str, now: float, marks: Marks) -> list[Line]:
    subject, verb = describe(row.step.operation)
    what = printable(verb if subject == group else f"{subject}: {verb}")
    match row.outcome:
        case None:
            if row.began is None:
                return [Line(f"  {marks.coming} {what}", "dim")]
            elapsed = now - row.began
            wheel = marks.wheel[int(elapsed * 8) % len(marks.wheel)]
            detail = [Line(f"      {printable(row.last)}", "dim")] if row.last else []
            return [Line(f"  {wheel} {what}", "cyan", duration(elapsed)), *detail]
        case Done(seconds, detail_text):
            more = f" ({printable(detail_text)})" if detail_text else ""
            return [Line(f"  {marks.done} {what}{more}", "green", duration(seconds))]
        case Failed(seconds, reason):
            return [
                Line(f"  {marks.failed} {what}", "red", duration(seconds)),
                Line(f"      {printable(reason)}", "red"),
            ]
        case Skipped() as outcome:
            return [Line(f"  {marks.skipped} {what}: {why_skipped(outcome)}", outcome_tone(outcome))]


def _count(rows: Iterable[Row], marks: Marks, indent: str) -> list[Line]:
    """One line for many: `✓ 5 done`, `· 4 to come`."""
    lines = []
    for done, group in groupby(sorted(rows, key=lambda row: not row.done), key=lambda row: row.done):
        count = sum(1 for _ in group)
        lines.append(Line(f"{indent}{marks.done} {count} done", "green") if done else
                     Line(f"{indent}{marks.coming} {count} to come", "dim"))  # fmt: skip
    return lines


def _seconds(rows: Iterable[Row]) -> float:
    """How long the group's steps took together."""
    return sum(row.outcome.seconds for row in rows if isinstance(row.outcome, Done))
