"""Checks in, a table and what to do out; the same as JSON."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING, Any, Final

from deployer.model.amounts import plural
from deployer.model.printable import printable
from deployer.report.document import head
from deployer.report.table import table

if TYPE_CHECKING:
    from collections.abc import Sequence

    from deployer.model.doctor import Check
    from deployer.report.paint import Paint, Tone

COLUMNS: Final = ("CHECK", "STATE", "FOUND")
TONES: Final[dict[str, Tone]] = {"ok": "green", "partly": "yellow", "missing": "red"}


def doctor_text(checks: Sequence[Check], paint: Paint, width: int | None = None) -> str:
    """A row a check, then what is not as it should be, what that means and what to do; one sentence at last."""

    def finish(column: int, cell: str, padded: str) -> str:
        tone = TONES.get(cell) if COLUMNS[column] == "STATE" else None
        return paint(padded, tone) if tone else padded

    rows = [(check.name, check.state, check.found) for check in checks]
    parts = ["\n".join(table(COLUMNS, rows, width=width, shrink=("FOUND",), finish=finish))]
    parts += [
        f"{check.name}: {printable(check.means)}\n  = help: {printable(check.help)}" for check in checks if check.means
    ]
    wrong = sum(check.state != "ok" for check in checks)
    parts.append(f"{plural(len(checks), 'check')}, {f'{wrong} of them not ok' if wrong else 'all ok'}")
    return "\n\n".join(parts) + "\n"


def doctor_document(checks: Sequence[Check]) -> dict[str, Any]:
    """Field names as in the values themselves: deployer.model.doctor."""
    return {**head("doctor"), "checks": [asdict(check) for check in checks]}
