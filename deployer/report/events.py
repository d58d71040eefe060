"""The lines of `--progress json`: one JSON object for each thing that happens."""

from __future__ import annotations

from typing import Literal

from deployer.model.counts import Count
from deployer.report.document import FORMAT_VERSION, Part, Positive
from deployer.report.documents import OutcomeDocument, StepDocument
from deployer.report.event import Event
from deployer.report.failure_document import DiagnosticEvent


class VersionLine(Part, frozen=True, kw_only=True):
    """The first line."""

    type: Literal["version"] = "version"
    schema: Literal["1.0"] = FORMAT_VERSION
    deployer: str


class StepName(Part, frozen=True):
    number: Positive
    subject: str
    action: str


class PlanChanges(Part, frozen=True, tag_field="operation", tag="plan"):
    cluster: str
    commit: str
    add: Count
    change: Count
    remove: Count
    unchanged: Count
    blocked: Count


class RunChanges(Part, frozen=True, tag_field="operation", tag="apply"):
    cluster: str
    commit: str
    done: Count
    failed: Count
    skipped: Count
    blocked: Count
    exit_code: Count


class LogEvent(Event, frozen=True, kw_only=True):
    type: Literal["log"] = "log"


class PlannedEvent(Event, frozen=True, kw_only=True):
    type: Literal["planned_change"] = "planned_change"
    change: StepDocument


class BlockedEvent(Event, frozen=True, kw_only=True):
    type: Literal["blocked"] = "blocked"
    subject: str


class SummaryEvent(Event, frozen=True, kw_only=True):
    type: Literal["change_summary"] = "change_summary"
    changes: PlanChanges | RunChanges


class BeganEvent(Event, frozen=True, kw_only=True):
    type: Literal["apply_start"] = "apply_start"
    step: StepName


class ProgressEvent(Event, frozen=True, kw_only=True):
    type: Literal["apply_progress"] = "apply_progress"
    step: StepName
    text: str


class EndedEvent(Event, frozen=True, kw_only=True):
    type: Literal["apply_complete", "apply_errored", "apply_skipped"]
    step: StepName
    outcome: OutcomeDocument


Line = (
    VersionLine
    | LogEvent
    | PlannedEvent
    | BlockedEvent
    | SummaryEvent
    | BeganEvent
    | ProgressEvent
    | EndedEvent
    | DiagnosticEvent
)
