"""A parsed file: its value, and where in the text each part of that value stands."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, Literal, NamedTuple

from deployer.model.problem import Problem

if TYPE_CHECKING:
    from collections.abc import Mapping

Path = tuple[str | int, ...]
"""Keys and list indexes from the file's top: `("services", "web", "ports", 0)`."""

COMPOSE_TAGS: Final = frozenset({"!reset", "!override"})
"""The two tags that Docker Compose knows (compose-go, loader/reset.go)."""

LONGEST_SNIPPET: Final = 300
"""Characters; a problem in a longer line names its place only, the line itself would be no help."""


class Mark(NamedTuple):
    """A place in the text; line and column count from 1 in characters, `width` is what a caret underlines."""

    line: int
    column: int
    width: int


class Place(NamedTuple):
    """Where a value stands, where its key does (none for list items and the top), and the same for what it holds.

    What an alias or a merge key brings in shares the anchored value's children: their places are the anchor's. `tag` is the
    value's own tag, if it is one of those that were allowed (`!reset`, `!override`).
    """

    value: Mark
    key: Mark | None
    children: Mapping[str | int, Place]
    tag: str = ""


@dataclass(frozen=True)
class Document:
    """A YAML file. `value` is made of dict (string keys), list, str, int, float, bool and None.

    Aliases share objects inside `value`: do not change it. `path` is relative to the repository's root.
    """

    path: str
    value: Any
    lines: tuple[str, ...]
    top: Place

    def place(self, at: Path) -> tuple[Place, bool]:
        """The place of `at`, or of its nearest ancestor that is in the file; and whether it is `at` itself."""
        place = self.top
        for step in at:
            below = place.children.get(step)
            if below is None:
                return place, False
            place = below
        return place, True

    def text(self, at: Path) -> str:
        """What stands in the file for the value at `at`, as it is written there (its first line)."""
        mark = self.place(at)[0].value
        return self.line(mark.line)[mark.column - 1 : mark.column - 1 + mark.width]

    def line(self, number: int) -> str:
        return self.lines[number - 1] if 0 < number <= len(self.lines) else ""

    def problem(
        self,
        at: Path,
        message: str,
        help: str = "",
        *,
        key: bool = False,
        severity: Literal["error", "warning"] = "error",
    ) -> Problem:
        """A problem with the value at `at`, or with its key; where `at` is not in the file, with what would hold it."""
        place, found = self.place(at)
        # What is missing is missing from the whole section, and a section is best shown by its key.
        mark = place.key if place.key is not None and (key or not found) else place.value
        return problem_at(self.path, self.lines, mark, message, help, severity=severity)


def problem_at(
    path: str,
    lines: tuple[str, ...],
    mark: Mark,
    message: str,
    advice: str = "",
    *,
    severity: Literal["error", "warning"] = "error",
) -> Problem:
    """A problem at a mark, with the text of its line for the snippet."""
    source = lines[mark.line - 1] if 0 < mark.line <= len(lines) else ""
    if len(source) > LONGEST_SNIPPET:
        source = ""
    width = max(1, min(mark.width, len(source) - mark.column + 1))
    return Problem(path, mark.line, mark.column, message, advice, severity, source, width)


def shortened(text: str) -> str:
    """At most 60 characters of something that came from a file, on one line."""
    shown = "".join(one if one.isprintable() else repr(one)[1:-1] for one in text[:61])
    return shown if len(shown) <= 60 else shown[:59] + "…"
