"""Outcomes in words."""

from __future__ import annotations

from typing import TYPE_CHECKING

from deployer.model.amounts import duration
from deployer.model.printable import printable
from deployer.plan.outcome import Done, Failed, Outcome, Skipped

if TYPE_CHECKING:
    from deployer.plan.outcome import Report
    from deployer.report.paint import Tone


def outcome_text(outcome: Outcome) -> str:
    """`done in 31.2 s (already so)`, `failed after 3.1 s: connection refused`, `skipped: #3 did not succeed`"""
    match outcome:
        case Done(seconds, detail):
            return f"done in {duration(seconds)}" + (f" ({printable(detail)})" if detail else "")
        case Failed(seconds, reason):
            return f"failed after {duration(seconds)}: {printable(reason)}"
        case Skipped():
            return f"skipped: {why_skipped(outcome)}"


def outcome_tone(outcome: Outcome) -> Tone:
    match outcome:
        case Done():
            return "green"
        case Failed():
            return "red"
        case Skipped():
            return "yellow"


def why_skipped(outcome: Skipped) -> str:
    return f"#{outcome.because} did not succeed" if outcome.because else "the run was stopped"


def counts(report: Report) -> tuple[int, int, int]:
    """How many steps were done, failed, and skipped."""
    kinds = [type(report.outcome(step)) for step in report.plan.steps]
    return kinds.count(Done), kinds.count(Failed), kinds.count(Skipped)
