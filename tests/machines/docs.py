"""The tables of docs/machines.md for who comes from docker-machine in, their rows out."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Final, NamedTuple

PAGE: Final = Path(__file__).parents[2] / "docs" / "machines.md"


class Row(NamedTuple):
    """`old` and `new` are the commands as code; `prints` are the lines of code in the last column, none where it is prose."""

    old: str
    new: tuple[str, ...]
    prints: tuple[str, ...]
    prose: str


def rows(head: str) -> list[Row]:
    """Those of the table whose head begins with this column."""
    lines = PAGE.read_text("utf-8").splitlines()
    start = next(number for number, line in enumerate(lines) if line.startswith(f"| {head} |"))
    found = []
    for line in lines[start + 2 :]:
        if not line.startswith("|"):
            break
        old, new, prints = (cell.strip().replace("\\|", "|") for cell in re.split(r"(?<!\\)\|", line)[1:-1])
        shown = tuple(part[1:-1] for part in prints.split("<br>") if part.startswith("`") and part.endswith("`"))
        found.append(Row(old, tuple(re.findall("`([^`]+)`", new)), shown, "" if shown else prints))
    return found
