"""One file of a stack as Docker is to read it: from one folder, with one set of variables, all of them filled in."""

from __future__ import annotations

import re
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, Final

from deployer.compose.interpolation import CannotFillInError, fill_in
from deployer.compose.locate import named

if TYPE_CHECKING:
    from collections.abc import Mapping

    from deployer.compose.interpolation import Budget, Lookup, Missing
    from deployer.compose.rules import Path
    from deployer.document import Document
    from deployer.document.places import Place
    from deployer.model.problem import Problem

MOST_TAGS: Final = 1_000
MOST_PROBLEMS: Final = 100
"""Of one file: what is wrong with the rest is not looked for."""
_OF_WHOEVER_DEPLOYS: Final = "PWD"
"""Newer compose plugins fill it in with the directory in which the tool runs, whatever `.env` says."""


@dataclass(eq=False)
class Reading:
    """One file, read once. `value` has its variables filled in. Each path that Compose opens is replaced by an `Inside`: a file of our private folder."""

    path: str
    """In the stack's folder."""
    base: str
    """The folder from which its paths count; empty for the stack's own."""
    file: str
    """Where compose gets it, below the folder of all such files. It lies in `base`: so compose counts from there, too."""
    document: Document
    variables: Mapping[str, str]
    project: Mapping[str, str]
    """The variables of the main project."""
    value: Any = None
    tags: dict[Path, str] = field(default_factory=dict)
    size: int = 0
    """Values in it; 64 characters of a string count as one more."""
    includes: list[tuple[Path, Reading]] = field(default_factory=list)
    """Each file of its `include`, as often as it is named."""
    extends: dict[str, tuple[Reading, str]] = field(default_factory=dict)
    """What its services extend, by their names."""
    weights: dict[str, int] = field(default_factory=dict)
    """What a service's env files and ranges of ports add to its values."""
    problems: list[Problem] = field(default_factory=list)
    broken: bool = False
    """One of the problems leaves a value that nothing is to be made of."""

    @property
    def services(self) -> Mapping[str, Any]:
        found = self.value.get("services") if isinstance(self.value, dict) else None
        return found if isinstance(found, dict) else {}

    def weigh(self, service: str) -> int:
        """How many values a service is, without what it extends."""
        return size_of(self.services.get(service)) + self.weights.get(service, 0)

    def forget(self, at: Path, *, below: bool = False) -> None:
        """Takes the tags at `at` and below it away; with `below` only those below."""
        for path in [path for path in self.tags if path[: len(at)] == at and not (below and path == at)]:
            del self.tags[path]


def size_of(value: Any) -> int:
    if isinstance(value, dict):
        return 1 + sum(map(size_of, value.values()))
    if isinstance(value, list):
        return 1 + sum(map(size_of, value))
    return 1 + (len(value) >> 6) if isinstance(value, str) else 1


def fill(reading: Reading, budget: Budget, root: str) -> None:
    """Works out `value`, `tags` and `size`; a variable without a value is empty in it, and a problem."""
    _Filling(reading, lookup_of(reading.variables), budget, root).run()


def lookup_of(values: Mapping[str, str]) -> Lookup:
    def lookup(name: str) -> str | None:
        if name == _OF_WHOEVER_DEPLOYS:
            message = "uses ${PWD}, which is the directory of whoever deploys: it is not read"
            raise CannotFillInError(message, "write the path out", name)
        return values.get(name)

    return lookup


def no_value(missing: Missing, root: str) -> tuple[str, str]:
    """Message and help for a variable without a value."""
    name = missing.name
    help_ = missing.said or f"set it in {root}/.env, give a default (${{{name}:-...}}), or write $$ for a plain $"
    return f"the variable {name} has no value", help_


def find_variable(document: Document, at: Path, name: str) -> tuple[int, int]:
    """Line and column of `$NAME`: in the value at `at`, else where it is first used, else (0, 0)."""
    pattern = re.compile(rf"(?<!\$)(?:\$\$)*(\$\{{?{re.escape(name)}(?![A-Za-z0-9_]))")
    mark = document.place(at)[0].value
    start = mark.line if mark.line > 0 else 1
    for number in (*range(start, len(document.lines) + 1), *range(1, start)):
        match = pattern.search(document.lines[number - 1], mark.column - 1 if number == mark.line else 0)
        if match is not None and not document.lines[number - 1].lstrip().startswith("#"):
            return number, match.start(1) + 1
    return 0, 0


class _Filling:
    def __init__(self, reading: Reading, lookup: Lookup, budget: Budget, root: str) -> None:
        self._reading, self._lookup, self._budget, self._root = reading, lookup, budget, root
        self._said: set[str] = set()

    def run(self) -> None:
        document = self._reading.document
        self._reading.value = self._filled(document.value, document.top, ())

    def _filled(self, value: Any, place: Place, at: Path) -> Any:
        reading = self._reading
        reading.size += 1
        if place.tag:
            reading.tags[at] = place.tag
            if len(reading.tags) == MOST_TAGS + 1:
                reading.broken = True
                self._report(f"more than {MOST_TAGS} tags", "split the file", at, "")
        if isinstance(value, str):
            text = self._text(value, at) if "$" in value else value
            reading.size += len(text) >> 6
            return text
        if isinstance(value, dict):
            return {key: self._filled(one, place.children[key], (*at, key)) for key, one in value.items()}
        if isinstance(value, list):
            return [self._filled(one, place.children[index], (*at, index)) for index, one in enumerate(value)]
        return value

    def _text(self, value: str, at: Path) -> str:
        if len(self._reading.problems) >= MOST_PROBLEMS:
            self._reading.broken = True
            return ""
        try:
            filled = fill_in(value, self._lookup, self._budget)
        except CannotFillInError as error:
            self._report(f"{named(at)} {error.message}", error.help, at, error.variable)
            self._reading.broken = True
            return ""
        for missing in filled.missing:
            if missing.name not in self._said:
                self._said.add(missing.name)
                self._report(*no_value(missing, self._root), at, missing.name)
        return filled.text

    def _report(self, message: str, help_: str, at: Path, variable: str) -> None:
        """A problem at the variable, where one is meant and found."""
        document = self._reading.document
        problem = document.problem(at, message, help_)
        line, column = find_variable(document, at, variable) if variable else (0, 0)
        if line:
            source = document.line(line)
            width = 1 + source.startswith("${", column - 1) + len(variable)
            problem = replace(problem, line=line, column=column, source=source, width=width)
        self._reading.problems.append(problem)
