"""Progress as one JSON object a line: the form that programs follow while a run is going on."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import IO, TYPE_CHECKING, Literal

from msgspec.structs import asdict

import deployer
from deployer.plan.operations import describe
from deployer.plan.outcome import Began, Done, Ended, Event, Failed, Progress, Skipped
from deployer.plan.text import step_text, summary
from deployer.report.documents import outcome_document, step_document, summarize_plan, summarize_report
from deployer.report.encode import to_json
from deployer.report.event import stamp
from deployer.report.events import (
    BeganEvent,
    BlockedEvent,
    EndedEvent,
    LogEvent,
    PlanChanges,
    PlannedEvent,
    ProgressEvent,
    RunChanges,
    StepName,
    SummaryEvent,
    VersionLine,
)
from deployer.report.result import sum_line
from deployer.report.stream import tell
from deployer.report.words import outcome_text

if TYPE_CHECKING:
    from collections.abc import Callable

    from deployer.plan.outcome import Outcome, Report
    from deployer.plan.steps import Plan
    from deployer.report.event import Level
    from deployer.report.events import Line

EndedType = Literal["apply_complete", "apply_errored", "apply_skipped"]


class NdjsonProgress:
    """`{"type": "version", ...}`, then an object an event."""

    def __init__(self, stream: IO[str], now: Callable[[], datetime] = lambda: datetime.now(UTC)) -> None:
        self._stream = stream
        self._now = now
        self._write(VersionLine(deployer=deployer.__version__))

    def say(self, line: str) -> None:
        self._write(LogEvent("info", line, self._stamp()))

    def show(self, plan: Plan) -> None:
        for step in plan.steps:
            self._write(PlannedEvent("info", step_text(step), self._stamp(), change=step_document(step)))
        for obstacle in plan.blocked:
            self._write(BlockedEvent("warn", obstacle.told, self._stamp(), subject=obstacle.subject))
        changes = PlanChanges(plan.cluster, plan.commit, **asdict(summarize_plan(plan)))
        self._write(SummaryEvent("info", summary(plan), self._stamp(), changes=changes))

    def listen(self, event: Event) -> None:
        subject, action = describe(event.step.operation)
        step, moment = StepName(event.step.number, subject, action), self._stamp()
        match event:
            case Began():
                self._write(BeganEvent("info", f"{subject}: {action}", moment, step=step))
            case Progress(_, text):
                self._write(ProgressEvent("info", f"{subject}: {text}", moment, step=step, text=text))
            case Ended(_, outcome):
                kind, level = _ended(outcome)
                message, how = f"{subject}: {action}: {outcome_text(outcome)}", outcome_document(outcome)
                self._write(EndedEvent(level, message, moment, type=kind, step=step, outcome=how))

    def end(self, report: Report) -> None:
        plan = report.plan
        changes = RunChanges(plan.cluster, plan.commit, **asdict(summarize_report(report)), exit_code=report.exit_code)
        level: Level = "info" if report.ok else "error"
        self._write(SummaryEvent(level, sum_line(report), self._stamp(), changes=changes))

    def close(self) -> None:
        """Nothing is held."""

    def _stamp(self) -> str:
        return stamp(self._now())

    def _write(self, line: Line) -> None:
        tell(self._stream, to_json(line, indent=None))


def _ended(outcome: Outcome) -> tuple[EndedType, Level]:
    match outcome:
        case Done():
            return "apply_complete", "info"
        case Failed():
            return "apply_errored", "error"
        case Skipped():
            return "apply_skipped", "warn"
