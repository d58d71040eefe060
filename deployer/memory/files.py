"""The files that the memory keeps of a run: for people and for programs."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from deployer.plan.text import plan_text
from deployer.report.documents import plan_document, report_document
from deployer.report.encode import to_json
from deployer.report.paint import Paint
from deployer.report.result import report_text

if TYPE_CHECKING:
    from deployer.plan.outcome import Report

PLAN: Final = "plan.txt"
REPORT: Final = "report.txt"
REPORT_JSON: Final = "report.json"


def files_of(report: Report | None) -> dict[str, str]:
    """Empty for a run that did nothing."""
    if report is None:
        return {}
    return {
        PLAN: plan_text(report.plan),
        "plan.json": to_json(plan_document(report.plan)),
        REPORT: report_text(report, Paint(on=False)),
        REPORT_JSON: to_json(report_document(report)),
    }
