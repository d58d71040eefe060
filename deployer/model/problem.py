"""What is wrong in a file, and where."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Severity = Literal["error", "warning"]


@dataclass(frozen=True, order=True)
class Problem:
    """One thing wrong with one place of one file.

    `path` is relative to the repository's root; `line` and `column` count from 1, 0 meaning the file as a whole.
    `width` is how many characters the caret underlines. `source` is the text of that line, for the snippet.
    `help` says what to do (it may be empty).
    """

    path: str
    line: int
    column: int
    message: str
    help: str = ""
    severity: Severity = "error"
    source: str = ""
    width: int = 1
