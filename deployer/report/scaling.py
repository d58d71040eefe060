"""What `deployer scale` prints: the counts that it wrote into git, and the run that followed."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from deployer.model.commit import short
from deployer.model.counts import Scaled
from deployer.model.printable import printable
from deployer.report.document import Document
from deployer.report.documents import ReportDocument, report_document

if TYPE_CHECKING:
    from collections.abc import Sequence

    from deployer.model.counts import Scaling, Wanted
    from deployer.plan.outcome import Report


class ScaleDocument(Document, frozen=True, kw_only=True):
    type: Literal["scale"] = "scale"
    commit: str | None
    """The commit that has the counts; null with --no-commit."""
    committed: bool
    """false where the counts stood in git already, and with --no-commit."""
    scaled: tuple[Scaled, ...]
    report: ReportDocument | None
    """As of apply; null with --no-apply."""


def scaling_text(scaling: Scaling) -> str:
    """`stacks/web/compose.yaml:21: web_api 3 -> 5`, then the commit."""
    if not scaling.committed:
        return f"The counts stand in {short(scaling.commit)} already: nothing to commit.\n"
    lines = [printable(f"{one.path}:{one.line}: {one.name} {one.old} -> {one.new}") for one in scaling.scaled]
    return "\n".join([*lines, f"Committed as {short(scaling.commit)}."]) + "\n"


def drift_text(wanted: Sequence[Wanted]) -> str:
    words = " ".join(f"{one.stack}/{one.service}={one.count}" for one in wanted)
    return (
        "Git does not say so: this is drift, and the next apply takes it back.\n"
        f"To keep it: {printable(f'deployer scale {words}')}\n"
    )


def scaling_document(scaling: Scaling | None, report: Report | None) -> ScaleDocument:
    """`scaling` is None where nothing was to be committed, `report` where nothing was to be applied."""
    return ScaleDocument(
        commit=scaling.commit if scaling else None,
        committed=scaling.committed if scaling else False,
        scaled=scaling.scaled if scaling else (),
        report=report_document(report) if report else None,
    )
