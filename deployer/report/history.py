"""Runs that were in, text and JSON out."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from deployer.model.amounts import duration
from deployer.model.commit import short
from deployer.model.printable import printable
from deployer.report.documents import head
from deployer.report.table import table

if TYPE_CHECKING:
    from collections.abc import Sequence

    from deployer.model.run import Entry
    from deployer.report.paint import Paint, Tone

HEAD: Final = ("RUN", "WHEN", "COMMIT", "RESULT", "TOOK", "BY", "WHAT")
TONES: Final[dict[str, Tone]] = {"done": "green", "superseded": "yellow"}


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

    def finish(column: int, cell: str, padded: str) -> str:
        return paint(padded, TONES.get(cell, "red")) if column == 3 else padded

    lines = table(HEAD, rows, width=width, shrink=("WHAT", "BY"), finish=finish)
    return "".join(f"{line}\n" for line in lines)


def history_document(entries: Sequence[Entry]) -> dict[str, Any]:
    return {**head("history"), "runs": [entry_document(entry) for entry in entries]}


def entry_document(entry: Entry) -> dict[str, Any]:
    return {
        "cluster": entry.cluster,
        "run": entry.run,
        "via": entry.via,
        "commit": entry.commit,
        "result": entry.result,
        "who": entry.who,
        "reason": entry.reason,
        "began": entry.began,
        "seconds": entry.seconds,
        "only": list(entry.scope.only),
        "stacks": dict(entry.scope.stacks),
        "text": entry.text,
        "kept_in": entry.id,
    }


def run_text(entry: Entry, plan: str, report: str, paint: Paint) -> str:
    """Who, what and why; then the plan as it was shown, and what became of it."""
    told = {
        "run": entry.run,
        "cluster": entry.cluster,
        "commit": entry.commit,
        "stacks": ", ".join(f"{stack} of {commit}" for stack, commit in entry.scope.stacks),
        "only": ", ".join(entry.scope.only),
        "by": f"{entry.who} ({entry.via})",
        "reason": entry.reason,
        "began": entry.began,
        "took": duration(entry.seconds),
        "result": entry.result,
    }
    lines = [f"{name.ljust(8)} {printable(value)}" for name, value in told.items() if value]
    lines[-1] = paint(lines[-1], "bold", TONES.get(entry.result, "red"))
    kept = [_safe(text) for text in (plan, report) if text.strip()]
    return "\n\n".join(("\n".join(lines), *(kept or [printable(entry.text)]))) + "\n"


def run_document(entry: Entry, report: Any) -> dict[str, Any]:
    """`report` as the run itself printed it with --json; null for a run that did nothing."""
    return {**head("run"), **entry_document(entry), "report": report}


def _safe(text: str) -> str:
    """What is kept in a repository may have been written by anybody who can write there."""
    return "\n".join(printable(line) for line in text.strip("\n").split("\n"))


def _commit(entry: Entry) -> str:
    if entry.scope.stacks:
        return ",".join(f"{stack}@{short(commit)}" for stack, commit in entry.scope.stacks)
    only = f" ({','.join(entry.scope.only)})" if entry.scope.only else ""
    return f"{short(entry.commit)}{only}"


def _what(entry: Entry) -> str:
    verb = "rollback: " if entry.via == "rollback" else ""
    return f"{verb}{entry.text}{f' ({entry.reason})' if entry.reason else ''}"
