"""A failed command in, a line for people or a document for programs out."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from deployer.model.printable import printable
from deployer.report.documents import diagnostics, head, to_json
from deployer.report.problems import problems_text, summary

if TYPE_CHECKING:
    from deployer.model.problem import Problem
    from deployer.report.paint import Paint


@dataclass(frozen=True)
class Failure:
    """Why a command came to no result. `causes` are what led to it, outermost first: shown with -v."""

    exit_code: int
    message: str
    help: str = ""
    problems: tuple[Problem, ...] = ()
    causes: tuple[str, ...] = ()


def failure_text(failure: Failure, paint: Paint) -> str:
    """`deployer: message`, what to do, and with -v what led to it; or the problems."""
    if failure.problems:
        return problems_text(failure.problems, paint)
    lines = [f"{paint('deployer:', 'red', 'bold')} {printable(failure.message)}"]
    lines += [f"  = caused by: {printable(cause)}" for cause in failure.causes]
    lines += [f"  = help: {printable(failure.help)}"] if failure.help else []
    return "".join(f"{line}\n" for line in lines)


def failure_document(failure: Failure) -> dict[str, Any]:
    """The diagnostics of `validate`, or the one of an error that has no place in a file."""
    if failure.problems:
        found = diagnostics(failure.problems)
    else:
        said = {"severity": "error", "summary": failure.message, "detail": failure.help}
        found = {"error_count": 1, "warning_count": 0, "diagnostics": [said]}
    return {**head("failure"), "exit_code": failure.exit_code, **found}


def failure_event(failure: Failure, now: datetime | None = None) -> str:
    """The same as a line of `--progress json`."""
    stamp = (now or datetime.now(UTC)).isoformat(timespec="milliseconds")
    message = summary(failure.problems) if failure.problems else failure.message
    event = {"@level": "error", "@message": message, "@timestamp": stamp, "type": "diagnostic"}
    return to_json({**event, "failure": failure_document(failure)}, indent=None)
