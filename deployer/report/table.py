"""Tables as plain text: aligned columns without lines or boxes, so that `grep` and `awk` read them too."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from deployer.model.printable import printable

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from deployer.report.paint import Paint, Tone

    Tones = Mapping[str, Callable[[str], Tone | None]]
    """By a column's name: the tone of a cell in it."""

GAP: Final = "   "
NARROWEST: Final = 12


def table(
    head: Sequence[str],
    rows: Sequence[Sequence[str]],
    *,
    width: int | None = None,
    shrink: Sequence[str] = (),
    paint: Paint | None = None,
    tones: Tones | None = None,
    empty: str = "-",
) -> list[str]:
    """Lines: the head, then the rows. Control characters are escaped and an empty cell shows as `empty`.

    Where `width` (of a terminal) is given, the columns that `shrink` names are cut to fit, in that order; otherwise
    nothing is ever cut. With `paint`, cells of the columns in `tones` are in colour.
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
        for column, name in enumerate(head):
            tone = tones[name](row[column]) if tones and name in tones else None
            padded[column] = paint(padded[column], tone) if paint and tone else padded[column]
        lines.append(GAP.join(padded))
    return lines


def paragraphs(parts: Sequence[Sequence[str]]) -> str:
    """The lines of each part, an empty line between the parts; a part without lines is left out."""
    return "\n\n".join("\n".join(part) for part in parts if part) + "\n"


def _cut(cell: str, width: int) -> str:
    return cell if len(cell) <= width else cell[: width - 1] + "…"
