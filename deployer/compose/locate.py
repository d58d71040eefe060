"""Where in the user's files something stands that Docker only names."""

from __future__ import annotations

import re
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, Literal

if TYPE_CHECKING:
    from collections.abc import Mapping

    from deployer.compose.rules import Path
    from deployer.document import Document
    from deployer.model.problem import Problem


@dataclass(frozen=True)
class Locator:
    """A stack's documents by path in its folder, the compose file first."""

    root: str
    documents: Mapping[str, Document]
    filled: Mapping[str, Any] = field(default_factory=dict)
    """Their values with variables filled in, as far as they were."""

    def problem(
        self,
        at: Path,
        message: str,
        help: str = "",
        *,
        key: bool = False,
        severity: Literal["error", "warning"] = "error",
        file: str | None = None,
    ) -> Problem:
        """A problem at `at` in `file`, else in the document that has the most of that path (the first of equals)."""
        candidates = self._candidates(file)
        found = [(document, present(document.value, at)) for document in candidates]
        document, place = max(found, key=lambda one: len(one[1]))
        # What is not in any file itself is shown by the key of what would hold it.
        return document.problem(place, message, help, key=key or len(place) < len(at), severity=severity)

    def dotted(self, text: str, file: str | None = None) -> Path:
        """`services.web.ports.0` as a path. Keys with dots in them are recognised where they are in a file."""
        candidates = self._candidates(file)
        return max((_split(document.value, text) for document in candidates), key=lambda one: one[1])[0]

    def text(self, text: str, message: str, help: str = "") -> Problem:
        """A problem at the first place where `text` stands."""
        for document in self.documents.values():
            for number, line in enumerate(document.lines, 1):
                column = line.find(text)
                if column >= 0 and not line.lstrip().startswith("#"):
                    found = document.problem((), message, help)
                    return replace(found, line=number, column=column + 1, source=line, width=len(text))
        document = next(iter(self.documents.values()))
        return replace(document.problem((), message, help), line=0, column=0, source="", width=1)

    def _candidates(self, file: str | None) -> list[Document]:
        document = self.documents.get(file) if file is not None else None
        return list(self.documents.values()) if document is None else [document]


def named(at: Path) -> str:
    """What a message calls the value at `at`."""
    names = [step for step in at if isinstance(step, str)]
    item = f"item {at[-1] + 1} of " if at and isinstance(at[-1], int) else ""
    return item + repr(names[-1]) if names else "the file"


def present(value: Any, at: Path) -> Path:
    """The longest beginning of `at` that is in `value`, with the steps as they are there.

    Lists and mappings stand for each other in compose files: `environment: [A=1]` is `{A: 1}`, `networks: [front]` is
    `{front: null}`, `configs: [{source: app}]` is known by its source.
    """
    found: list[str | int] = []
    for step in at:
        if isinstance(value, dict) and step in value:
            found.append(step)
            value = value[step]
        elif isinstance(value, list) and (index := _index(value, step)) is not None:
            found.append(index)
            value = value[index]
        else:
            break
    return tuple(found)


def _index(items: list[Any], step: str | int) -> int | None:
    if isinstance(step, int):
        return step if step < len(items) else None
    for index, item in enumerate(items):
        if isinstance(item, str) and re.split("[=:]", item, maxsplit=1)[0] == step:
            return index
        if isinstance(item, dict) and step in (item.get("source"), item.get("target")):
            return index
    return None


def _split(value: Any, text: str) -> tuple[Path, int]:
    """The path, and how many of its steps are in `value`."""
    path: list[str | int] = []
    known = 0
    rest = text
    while rest:
        names = (
            [name for name in value if rest == name or rest.startswith(name + ".")] if isinstance(value, dict) else []
        )
        step = max(names, key=len) if names else rest.partition(".")[0]
        rest = rest[len(step) + 1 :]
        if isinstance(value, list) and step.isdecimal() and int(step) < len(value):
            path.append(int(step))
            value = value[int(step)]
            known += 1
        else:
            path.append(step)
            known += bool(names)
            value = value[step] if names else None
    return tuple(path), known
