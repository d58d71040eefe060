"""Rows in, aligned columns out: plain text without lines or boxes, so that `grep` and `awk` read it too."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from deployer.model.printable import printable

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    Finish = Callable[[int, str, str], str]
    """(column, cell, cell padded) -> the padded cell, painted."""

GAP: Final = "   "
NARROWEST: Final = 12


def table(
    head: Sequence[str],
    rows: Sequence[Sequence[str]],
    *,
    width: int | None = None,
    shrink: Sequence[str] = (),
    finish: Finish | None = None,
    empty: str = "-",
) -> list[str]:
    """Lines: the head, then the rows. Control characters are escaped and an empty cell shows as `empty`.

    Where `width` (of a terminal) is given, the columns that `shrink` names are cut to fit, in that order; otherwise
    nothing is ever cut.
    """
    cells = [[printable(cell) or empty for cell in row] for row in rows]
    widths = [max(len(row[column]) for row in [head, *cells]) for column in range(len(head))]
    over = sum(widths) + len(GAP) * (len(head) - 1) - width if width else 0
    for name in shrink:
        column = head.index(name)
        cut = min(max(over, 0), max(widths[column] - NARROWEST, 0))
        widths[column] -= cut
        over -= cut
    lines = [GAP.join(cell.ljust(widths[column]) for column, cell in enumerate(head)).rstrip()]
    for row in cells:
        padded = [_cut(cell, widths[column]).ljust(widths[column]) for column, cell in enumerate(row)]
        padded[-1] = padded[-1].rstrip()
        lines.append(GAP.join(finish(i, row[i], cell) if finish else cell for i, cell in enumerate(padded)))
    return lines


def _cut(cell: str, width: int) -> str:
    return cell if len(cell) <= width else cell[: width - 1] + "…"
