"""What `deployer doctor` prints: a table of checks and what to do, as text and as JSON."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, Literal

from deployer.model.amounts import plural
from deployer.model.doctor import Check
from deployer.model.printable import printable
from deployer.report.document import Document
from deployer.report.table import paragraphs, table

if TYPE_CHECKING:
    from collections.abc import Sequence

    from deployer.report.paint import Paint, Tone

TONES: Final[dict[str, Tone]] = {"ok": "green", "partly": "yellow", "missing": "red"}


class DoctorDocument(Document, frozen=True, kw_only=True):
    type: Literal["doctor"] = "doctor"
    checks: tuple[Check, ...]


def doctor_text(checks: Sequence[Check], paint: Paint, width: int | None = None) -> str:
    """A row a check, then what is not as it should be, what that means and what to do; one sentence at last."""
    rows = [(check.name, check.state, check.found) for check in checks]
    head = ("CHECK", "STATE", "FOUND")
    parts = [table(head, rows, width=width, shrink=("FOUND",), paint=paint, tones={"STATE": TONES.get})]
    parts += [
        [f"{check.name}: {printable(check.means)}", f"  = help: {printable(check.help)}"]
        for check in checks
        if check.means
    ]
    wrong = sum(check.state != "ok" for check in checks)
    parts.append([f"{plural(len(checks), 'check')}, {f'{wrong} of them not ok' if wrong else 'all ok'}"])
    return paragraphs(parts)


def doctor_document(checks: Sequence[Check]) -> DoctorDocument:
    return DoctorDocument(checks=tuple(checks))
