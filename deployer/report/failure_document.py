"""A failed command as JSON: a document, or with `--progress json` the last event."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Literal

from msgspec import Meta

from deployer.model.counts import Count
from deployer.report.document import DiagnosticDocument, Document, diagnostics, list_diagnostics
from deployer.report.encode import to_json
from deployer.report.event import Event, stamp
from deployer.report.problems import summary

if TYPE_CHECKING:
    from datetime import datetime

    from deployer.report.failure import Failure


class FailureDocument(Document, frozen=True, kw_only=True):
    type: Literal["failure"] = "failure"
    exit_code: Annotated[int, Meta(ge=1, le=255)]
    error_count: Count
    warning_count: Count
    diagnostics: tuple[DiagnosticDocument, ...]


class DiagnosticEvent(Event, frozen=True, kw_only=True):
    type: Literal["diagnostic"] = "diagnostic"
    failure: FailureDocument


def failure_document(failure: Failure) -> FailureDocument:
    """The diagnostics of `validate`, or the one of an error that has no place in a file."""
    alone = DiagnosticDocument("error", failure.message, failure.help)
    found = diagnostics(failure.problems) if failure.problems else list_diagnostics((alone,))
    return FailureDocument(exit_code=failure.exit_code, **found)


def failure_event(failure: Failure, now: datetime | None = None) -> str:
    """The same as a line of `--progress json`."""
    message = summary(failure.problems) if failure.problems else failure.message
    return to_json(DiagnosticEvent("error", message, stamp(now), failure=failure_document(failure)), indent=None)
