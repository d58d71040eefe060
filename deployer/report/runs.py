"""Runs that go on or went on in, text and JSON out."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING, Any, Final

from deployer.model.commit import short
from deployer.report.documents import head
from deployer.report.table import table

if TYPE_CHECKING:
    from collections.abc import Sequence

    from deployer.model.run import Process
    from deployer.report.paint import Paint, Tone

HEAD: Final = ("RUN", "STATE", "SINCE", "COMMIT", "BY", "WHAT")


def runs_text(found: Sequence[Process], paint: Paint, width: int | None = None) -> str:
    """A line a run; what goes on first."""
    if not found:
        return "Nothing runs, and nothing has run from this repository on this machine.\n"
    rows = [
        (
            one.run,
            _state(one),
            one.began[:19].replace("T", " "),
            short(one.commit),
            f"{one.who} ({one.via})",
            ": ".join(filter(None, (one.reason, one.text))),
        )
        for one in found
    ]

    def finish(column: int, cell: str, padded: str) -> str:
        return paint(padded, _tone(cell)) if column == 1 else padded

    lines = table(HEAD, rows, width=width, shrink=("WHAT", "BY"), finish=finish)
    return "".join(f"{line}\n" for line in lines)


def runs_document(found: Sequence[Process]) -> dict[str, Any]:
    """Field names as in the values themselves: deployer.model.run."""
    return {**head("runs"), "runs": [asdict(one) for one in found]}


def _state(one: Process) -> str:
    """`ended (0)`: with the exit code."""
    return f"{one.state} ({one.code})" if one.code is not None else one.state


def _tone(state: str) -> Tone:
    return {"waiting": "yellow", "running": "yellow", "ended (0)": "green"}.get(state, "red")  # type: ignore[return-value] # tones by state
