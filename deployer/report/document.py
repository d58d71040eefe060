"""What every JSON document has: how it starts, how it is written, and how problems stand in it."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, Final

from deployer.report.snippet import highlighted

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from deployer.model.problem import Problem

FORMAT_VERSION: Final = "1.0"


def to_json(document: Mapping[str, Any], *, indent: int | None = 2) -> str:
    """ASCII only, so that nothing in it moves a cursor whatever shows it; ends with a newline."""
    return json.dumps(document, indent=indent).replace("\x7f", "\\u007f") + "\n"


def head(kind: str) -> dict[str, Any]:
    """How every document starts."""
    return {"format_version": FORMAT_VERSION, "type": kind}


def diagnostics(problems: Iterable[Problem]) -> dict[str, Any]:
    """`error_count`, `warning_count`, `diagnostics`: sorted, each once."""
    ordered = sorted(set(problems))
    return {
        "error_count": sum(problem.severity == "error" for problem in ordered),
        "warning_count": sum(problem.severity == "warning" for problem in ordered),
        "diagnostics": [_diagnostic(problem) for problem in ordered],
    }


def _diagnostic(problem: Problem) -> dict[str, Any]:
    """As in `terraform validate -json`: lines and columns from 1, in characters, the end exclusive."""
    found: dict[str, Any] = {"severity": problem.severity, "summary": problem.message, "detail": problem.help}
    if problem.path:
        found["range"] = {"filename": problem.path}
    if problem.line:
        column = max(problem.column, 1)
        found["range"]["start"] = {"line": problem.line, "column": column}
        found["range"]["end"] = {"line": problem.line, "column": column + problem.width}
    if problem.line and problem.source:
        source, start, end = highlighted(problem)
        found["snippet"] = {"code": source, "start_line": problem.line}
        found["snippet"] |= {"highlight_start_offset": start, "highlight_end_offset": end}
    return found
