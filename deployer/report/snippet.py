"""The line of a problem as a terminal can show it, with a caret underneath."""

from __future__ import annotations

import re
import unicodedata
from itertools import accumulate
from typing import TYPE_CHECKING, Final

from deployer.model.printable import printable
from deployer.model.secret import MASK
from deployer.plan.masking import SECRET_WORDS

if TYPE_CHECKING:
    from deployer.model.problem import Problem

TAB: Final = 4
WIDEST: Final = 100
"""Columns of a line that are shown; a longer line (a whole file may be one) is cut to the part around the caret."""
BEFORE: Final = 40
"""Columns kept before the caret when a line is cut."""

ASSIGNMENT: Final = re.compile(r"""(?<![\w.-])(?P<key>[\w.-]++)["']?\s*+[:=]\s*+(?=\S)""")
"""Possessive, so that a line of a megabyte takes no longer than reading it."""


def snippet(problem: Problem) -> tuple[str, ...]:
    """`14 |   replcas: 2` and the caret line; empty where the problem has no line to show."""
    if not problem.line or not problem.source.strip():
        return ()
    source, start, end = highlighted(problem)
    cells = _cells(source)
    edges = [0, *accumulate(_columns(cell) for cell in cells)]
    first, last = _window(edges, start)
    shown = ("…" if first else "") + "".join(cells[first:last]) + ("…" if last < len(cells) else "")
    number = str(problem.line)
    lines = [f"{' ' * len(number)} |", f"{number} | {shown}".rstrip()]
    if problem.column:
        indent = edges[start] - edges[first] + (1 if first else 0)
        carets = max(edges[min(end, last)] - edges[start], 1)
        lines.append(f"{' ' * len(number)} | {' ' * indent}{'^' * carets}")
    return tuple(lines)


def highlighted(problem: Problem) -> tuple[str, int, int]:
    """The line, and from which character up to which it is at fault, counted from 0.

    The value of a key that says secret is masked. (`secrets:` itself lists names, not values.)
    """
    source = problem.source.rstrip("\r\n")
    start, end = problem.column - 1, problem.column - 1 + problem.width
    for found in ASSIGNMENT.finditer(source):
        if SECRET_WORDS.search(found["key"]) and found["key"] != "secrets":
            source = source[: found.end()] + MASK
            start = min(start, found.end())
            break
    start = min(max(start, 0), len(source))
    return source, start, min(max(end, start + 1), len(source))


def _cells(source: str) -> list[str]:
    """Each character as it is shown: tabs as spaces to the next stop, control characters as escapes."""
    cells: list[str] = []
    column = 0
    for char in source:
        cells.append(" " * (TAB - column % TAB) if char == "\t" else printable(char))
        column += _columns(cells[-1])
    return cells


def _columns(text: str) -> int:
    """Terminal columns: two for wide East Asian characters, none for combining marks (UAX #11)."""
    return sum(0 if unicodedata.combining(char) else 1 + (unicodedata.east_asian_width(char) in "WF") for char in text)


def _window(edges: list[int], start: int) -> tuple[int, int]:
    """The cells from `first` up to `last` (exclusive) that fit into the widest line and hold the caret's start."""
    cells = len(edges) - 1
    if edges[-1] <= WIDEST:
        return 0, cells
    first = next(cell for cell in range(cells + 1) if edges[cell] >= edges[start] - BEFORE)
    first = first if edges[start] > WIDEST - BEFORE else 0
    last = next((cell for cell in range(cells, first, -1) if edges[cell] - edges[first] <= WIDEST), cells)
    return first, last
