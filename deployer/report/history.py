"""What `deployer history` and `deployer show` print: runs that were, as the repository keeps them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any, Final, Literal, get_args

from msgspec import Meta
from msgspec.structs import asdict

from deployer.model.amounts import duration
from deployer.model.commit import short
from deployer.model.printable import printable
from deployer.model.run import Result, Via
from deployer.report.document import FORMAT_VERSION, Document, Part, Seconds
from deployer.report.documents import ReportDocument
from deployer.report.table import table

if TYPE_CHECKING:
    from collections.abc import Sequence

    from deployer.model.run import Entry
    from deployer.report.paint import Paint, Tone

HEAD: Final = ("RUN", "WHEN", "COMMIT", "RESULT", "TOOK", "BY", "WHAT")
TONES: Final[dict[str, Tone]] = {"done": "green", "superseded": "yellow"}


class EntryDocument(Part, frozen=True, kw_only=True):
    cluster: str
    run: str
    """`20260822-141503-7f3a`"""
    via: Annotated[str, Meta(extra_json_schema={"enum": list(get_args(Via))})]
    commit: str
    """The full id of what was applied; worktree for a trial."""
    result: Annotated[str, Meta(extra_json_schema={"enum": list(get_args(Result))})]
    who: str
    reason: str
    began: str
    """ISO 8601, UTC."""
    seconds: Seconds
    only: tuple[str, ...]
    """The stacks that it was restricted to; none: the whole repository."""
    stacks: dict[str, str]
    """Stacks whose files came from another commit."""
    purpose: str
    """What was done, if no commit was applied: machines were maintained, or counts set live. Else empty."""
    text: str
    kept_in: str
    """The commit that keeps the run."""


class _ShownDocument(EntryDocument, frozen=True, kw_only=True):
    report: ReportDocument | None
    """As the run printed it; null for one that did nothing."""


class RunDocument(_ShownDocument, frozen=True):
    """Fields that are no keywords come first: the head that every document has."""

    format_version: Literal["1.0"] = FORMAT_VERSION
    type: Literal["run"] = "run"


class HistoryDocument(Document, frozen=True, kw_only=True):
    type: Literal["history"] = "history"
    runs: tuple[EntryDocument, ...]
    """The newest first."""


def history_text(entries: Sequence[Entry], paint: Paint, width: int | None = None) -> str:
    """A line a run, the newest first."""
    if not entries:
        return "No run is kept in this repository yet.\n"
    rows = [
        (
            entry.run,
            entry.began[:19].replace("T", " "),
            _commit(entry),
            entry.result,
            duration(entry.seconds),
            entry.who,
            _what(entry),
        )
        for entry in entries
    ]
    several = len({entry.cluster for entry in entries}) > 1
    if several:
        rows = [(*row[:-1], f"{entry.cluster}: {row[-1]}") for row, entry in zip(rows, entries, strict=True)]
    lines = table(HEAD, rows, width=width, shrink=("WHAT", "BY"), paint=paint, tones={"RESULT": _tone})
    return "".join(f"{line}\n" for line in lines)


def history_document(entries: Sequence[Entry]) -> HistoryDocument:
    return HistoryDocument(runs=tuple(map(entry_document, entries)))


def entry_document(entry: Entry) -> EntryDocument:
    return EntryDocument(
        cluster=entry.cluster,
        run=entry.run,
        via=entry.via,
        commit=entry.commit,
        result=entry.result,
        who=entry.who,
        reason=entry.reason,
        began=entry.began,
        seconds=entry.seconds,
        only=entry.scope.only,
        stacks=dict(entry.scope.stacks),
        purpose=entry.purpose,
        text=entry.text,
        kept_in=entry.id,
    )


def run_text(entry: Entry, plan: str, report: str, paint: Paint) -> str:
    """Who, what and why; then the plan as it was shown, and what became of it."""
    told = {
        "run": entry.run,
        "cluster": entry.cluster,
        "commit": entry.commit,
        "stacks": ", ".join(f"{stack} of {commit}" for stack, commit in entry.scope.stacks),
        "only": ", ".join(entry.scope.only),
        "by": f"{entry.who} ({entry.via})",
        "purpose": entry.purpose,
        "reason": entry.reason,
        "began": entry.began,
        "took": duration(entry.seconds),
        "result": entry.result,
    }
    lines = [f"{name.ljust(8)} {printable(value)}" for name, value in told.items() if value]
    lines[-1] = paint(lines[-1], "bold", _tone(entry.result))
    kept = [_safe(text) for text in (plan, report) if text.strip()]
    return "\n\n".join(("\n".join(lines), *(kept or [printable(entry.text)]))) + "\n"


def run_document(entry: Entry, report: Any) -> RunDocument:
    """`report` as the run itself printed it with --json, whatever its version; None for a run that did nothing."""
    return RunDocument(**asdict(entry_document(entry)), report=report)


def _safe(text: str) -> str:
    """What is kept in a repository may have been written by anybody who can write there."""
    return "\n".join(printable(line) for line in text.strip("\n").split("\n"))


def _commit(entry: Entry) -> str:
    if entry.scope.stacks:
        return ",".join(f"{stack}@{short(commit)}" for stack, commit in entry.scope.stacks)
    only = f" ({','.join(entry.scope.only)})" if entry.scope.only else ""
    return f"{short(entry.commit)}{only}"


def _what(entry: Entry) -> str:
    did = "rollback: " if entry.via == "rollback" else f"{entry.purpose}: " if entry.purpose else ""
    return f"{did}{entry.text}{f' ({entry.reason})' if entry.reason else ''}"


def _tone(result: str) -> Tone:
    return TONES.get(result, "red")
