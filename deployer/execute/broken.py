"""How a run ends that met a bug."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from deployer.plan.outcome import Report


class BrokenOffError(Exception):
    """A bug, its cause, ended the run: what ran was let end, nothing else was begun. `report` says what was done."""

    def __init__(self, report: Report) -> None:
        super().__init__("a bug ended the run before its time")
        self.report = report
