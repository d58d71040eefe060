"""The form of every JSON document: its first two keys, and how problems stand in it.

The structs are the format: their fields are the keys in their order, and `schemas` derives the JSON Schemas from them, with the
docstrings of classes and fields as descriptions. A minor version adds keys, a major one breaks; readers ignore keys that they do
not know.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Final, Literal, TypedDict

from msgspec import UNSET, Meta, Struct, UnsetType

from deployer.model.counts import Count
from deployer.model.problem import Severity
from deployer.report.snippet import highlighted

if TYPE_CHECKING:
    from collections.abc import Iterable

    from deployer.model.problem import Problem

FORMAT_VERSION: Final = "1.0"

Positive = Annotated[int, Meta(ge=1)]
Seconds = Annotated[float, Meta(ge=0)]


class Part(Struct, frozen=True, forbid_unknown_fields=True):
    """An object within a document. Its schema allows no other key."""


class OpenPart(Struct, frozen=True):
    """The same for documents whose schema allows other keys."""


class Document(Part, frozen=True, kw_only=True):
    """What `--json` prints. A subclass gives `type` its one value."""

    format_version: Literal["1.0"] = FORMAT_VERSION
    type: str


class OpenDocument(OpenPart, frozen=True, kw_only=True):
    """The same with a schema that allows other keys."""

    format_version: Literal["1.0"] = FORMAT_VERSION
    type: str


class PositionDocument(Part, frozen=True):
    """Both count from 1; columns count Unicode characters."""

    line: Positive
    column: Positive


class RangeDocument(Part, frozen=True):
    """Without start and end it is the file as a whole. The end is exclusive."""

    filename: str
    """Relative to the repository's root."""
    start: PositionDocument | UnsetType = UNSET
    end: PositionDocument | UnsetType = UNSET


class SnippetDocument(Part, frozen=True):
    """The line at fault, secrets masked; offsets count characters of `code` from 0."""

    code: str
    start_line: Positive
    highlight_start_offset: Count
    highlight_end_offset: Count


class DiagnosticDocument(Part, frozen=True):
    """As in `terraform validate -json`."""

    severity: Severity
    summary: str
    """What is wrong, in one line."""
    detail: str
    """What to do about it; may be empty."""
    range: RangeDocument | UnsetType = UNSET
    snippet: SnippetDocument | UnsetType = UNSET


class Diagnostics(TypedDict):
    """The three keys of every document that lists problems."""

    error_count: int
    warning_count: int
    diagnostics: tuple[DiagnosticDocument, ...]


def diagnostics(problems: Iterable[Problem]) -> Diagnostics:
    """Every problem once, sorted by file and line, and how many there are of each severity."""
    return list_diagnostics(tuple(_diagnostic(problem) for problem in sorted(set(problems))))


def list_diagnostics(found: tuple[DiagnosticDocument, ...]) -> Diagnostics:
    errors = sum(one.severity == "error" for one in found)
    return {"error_count": errors, "warning_count": len(found) - errors, "diagnostics": found}


def _diagnostic(problem: Problem) -> DiagnosticDocument:
    return DiagnosticDocument(problem.severity, problem.message, problem.help, _range(problem), _snippet(problem))


def _range(problem: Problem) -> RangeDocument | UnsetType:
    if not problem.path:
        return UNSET
    if not problem.line:
        return RangeDocument(problem.path)
    column = max(problem.column, 1)
    start, end = (PositionDocument(problem.line, at) for at in (column, column + problem.width))
    return RangeDocument(problem.path, start, end)


def _snippet(problem: Problem) -> SnippetDocument | UnsetType:
    if not problem.line or not problem.source:
        return UNSET
    source, start, end = highlighted(problem)
    return SnippetDocument(source, problem.line, start, end)
