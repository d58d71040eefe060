"""Events in, one JSON object a line out: the form that programs follow while a run is going on.

The first line tells the version. Every other one has `@level`, `@message`, `@timestamp` (RFC 3339) and `type`; a reader
shows `@message` of types that it does not know, and ignores keys that it does not know.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import IO, TYPE_CHECKING, Any

import deployer
from deployer.plan.operations import describe
from deployer.plan.outcome import Began, Done, Ended, Event, Failed, Progress, Skipped
from deployer.plan.text import step_text, summary
from deployer.report.document import FORMAT_VERSION
from deployer.report.documents import (
    outcome_document,
    plan_summary,
    report_summary,
    step_document,
    to_json,
)
from deployer.report.result import sum_line
from deployer.report.stream import tell
from deployer.report.words import outcome_text

if TYPE_CHECKING:
    from collections.abc import Callable

    from deployer.plan.outcome import Outcome, Report
    from deployer.plan.steps import Plan


class NdjsonProgress:
    """`{"type": "version", ...}`, then an object an event."""

    def __init__(self, stream: IO[str], now: Callable[[], datetime] = lambda: datetime.now(UTC)) -> None:
        self._stream = stream
        self._now = now
        self._write({"type": "version", "schema": FORMAT_VERSION, "deployer": deployer.__version__})

    def say(self, line: str) -> None:
        self._event("log", line)

    def show(self, plan: Plan) -> None:
        for step in plan.steps:
            self._event("planned_change", step_text(step), change=step_document(step))
        for obstacle in plan.blocked:
            self._event("blocked", obstacle.told, level="warn", subject=obstacle.subject)
        about = {"operation": "plan", "cluster": plan.cluster, "commit": plan.commit}
        self._event("change_summary", summary(plan), changes=about | plan_summary(plan))

    def listen(self, event: Event) -> None:
        subject, action = describe(event.step.operation)
        step = {"number": event.step.number, "subject": subject, "action": action}
        match event:
            case Began():
                self._event("apply_start", f"{subject}: {action}", step=step)
            case Progress(_, text):
                self._event("apply_progress", f"{subject}: {text}", step=step, text=text)
            case Ended(_, outcome):
                message = f"{subject}: {action}: {outcome_text(outcome)}"
                self._event(_ended(outcome), message, _level(outcome), step=step, outcome=outcome_document(outcome))

    def end(self, report: Report) -> None:
        level = "info" if report.ok else "error"
        about = {"operation": "apply", "cluster": report.plan.cluster, "commit": report.plan.commit}
        counted = about | report_summary(report) | {"exit_code": report.exit_code}
        self._event("change_summary", sum_line(report), level, changes=counted)

    def close(self) -> None:
        """Nothing is held."""

    def _event(self, kind: str, message: str, level: str = "info", **more: Any) -> None:
        stamp = self._now().isoformat(timespec="milliseconds")
        self._write({"@level": level, "@message": message, "@timestamp": stamp, "type": kind, **more})

    def _write(self, document: dict[str, Any]) -> None:
        tell(self._stream, to_json(document, indent=None))


def _ended(outcome: Outcome) -> str:
    match outcome:
        case Done():
            return "apply_complete"
        case Failed():
            return "apply_errored"
        case Skipped():
            return "apply_skipped"


def _level(outcome: Outcome) -> str:
    match outcome:
        case Done():
            return "info"
        case Failed():
            return "error"
        case Skipped():
            return "warn"
