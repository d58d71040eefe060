"""What `deployer runs` prints: runs that go on, and that went on, on this machine."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, Literal

from deployer.model.commit import short
from deployer.model.run import Process
from deployer.report.document import Document
from deployer.report.table import table

if TYPE_CHECKING:
    from collections.abc import Sequence

    from deployer.report.paint import Paint, Tone

HEAD: Final = ("RUN", "STATE", "SINCE", "COMMIT", "BY", "WHAT")
TONES: Final[dict[str, Tone]] = {"waiting": "yellow", "running": "yellow", "ended (0)": "green"}


class RunsDocument(Document, frozen=True, kw_only=True):
    type: Literal["runs"] = "runs"
    runs: tuple[Process, ...]


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
    lines = table(HEAD, rows, width=width, shrink=("WHAT", "BY"), paint=paint, tones={"STATE": _tone})
    return "".join(f"{line}\n" for line in lines)


def runs_document(found: Sequence[Process]) -> RunsDocument:
    return RunsDocument(runs=tuple(found))


def _state(one: Process) -> str:
    """`ended (0)`: with the exit code."""
    return f"{one.state} ({one.code})" if one.code is not None else one.state


def _tone(state: str) -> Tone:
    return TONES.get(state, "red")
