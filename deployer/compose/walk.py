"""What reading a stack's files has come to so far: its readings, and what is wrong with them."""

from __future__ import annotations

import posixpath
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

from deployer.compose.encode import Inside
from deployer.compose.paths import RefusedError
from deployer.compose.reading import MOST_PROBLEMS, Reading
from deployer.document import COMPOSE_TAGS, parse

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from deployer.compose.env_files import EnvFiles, Given
    from deployer.compose.paths import Paths, Use
    from deployer.compose.rules import Path
    from deployer.document import Document
    from deployer.model.problem import Problem
    from deployer.model.stack import StackSource

CHECKOUT: Final = "files"
"""Below the private folder: stands where the stack's folder would be, for all paths that Docker makes absolute."""


@dataclass(eq=False)
class Walk:
    stack: StackSource
    paths: Paths
    env: EnvFiles
    documents: dict[str, Document] = field(default_factory=dict)
    problems: list[Problem] = field(default_factory=list)
    broken: bool = False
    """Whether there is nothing that a tool could be given."""
    readings: list[Reading] = field(default_factory=list)
    """The compose file's first."""
    waiting: list[Reading] = field(default_factory=list)
    ports: int = 0
    env_files: list[tuple[Reading, str, tuple[Given, ...]]] = field(default_factory=list)
    """Of each service that has any: they are read when it is known who extends whom."""
    contents: dict[str, str] = field(default_factory=dict)
    """The variables that configs and secrets are made of."""
    _known: dict[tuple[str, str, tuple[tuple[str, str], ...]], Reading] = field(default_factory=dict)

    def refuse(self, reading: Reading, at: Path, message: str, help_: str, *, key: bool = False) -> None:
        self.broken = True
        if len(self.problems) < MOST_PROBLEMS:
            self.problems.append(reading.document.problem(at, message, help_, key=key))

    def reading(self, path: str, base: str, variables: Mapping[str, str]) -> Reading | None:
        """The file's reading from that folder with these variables, which is still to be visited if it is new.

        None where the file is no YAML, which is a problem then.
        """
        document = self._document(path)
        if document is None:
            return None
        key = (path, base, tuple(sorted(variables.items())))
        if key not in self._known:
            file = posixpath.join(base, f"{len(self._known)}.json")
            project = self.readings[0].variables if self.readings else variables
            self._known[key] = Reading(path, base, file, document, variables, project)
            self.readings.append(self._known[key])
            self.waiting.append(self._known[key])
        return self._known[key]

    def _document(self, path: str) -> Document | None:
        if path in self.documents:
            return self.documents[path]
        document, problems = parse(posixpath.join(self.stack.root, path), self.paths.files[path], tags=COMPOSE_TAGS)
        self.problems += problems
        self.broken = self.broken or bool(problems)
        if document is not None:
            self.documents[path] = document
        return document

    def find(self, reading: Reading, at: Path, given: str, use: Use, *, optional: bool = False) -> str | None:
        """The path in the stack's folder; None with a problem, and for what may be missing."""
        if len(self.problems) >= MOST_PROBLEMS:
            self.broken = True
            return None
        try:
            return self.paths.find(given, reading.base, use, optional=optional)
        except RefusedError as error:
            self.refuse(reading, at, error.message, error.help)
            return None

    def place(self, reading: Reading, at: Path, holder: dict[str, Any], key: str, use: Use) -> None:
        """Puts the file's or folder's place below the private folder where its path stands."""
        path = self.find(reading, (*at, key), holder[key], use)
        if path is not None:
            holder[key] = Inside(f"{CHECKOUT}/{path}")

    def refuse_tags(self, reading: Reading, at: Path) -> None:
        for path in [path for path in reading.tags if path[: len(at)] == at]:
            self.refuse(reading, path, f"the tag {reading.tags[path]} is not allowed in {at[-1]}", "remove the tag")

    def own_env(self, folder: str) -> list[str]:
        """The `.env` of a folder, where it has one."""
        path = posixpath.join(folder, ".env")
        return [path] if path in self.paths.files else []


def mapping(value: Any) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}


def items(value: Any, at: Path) -> Iterator[tuple[Path, Any]]:
    """The items of a list with their places; anything else is one item, null is none."""
    if isinstance(value, list):
        yield from (((*at, index), one) for index, one in enumerate(value))
    elif value is not None:
        yield at, value
