"""What a rule of the dialect is made of: it takes a value and where it stands, and yields what becomes of it.

A rule is a pure generator function. It yields `Put`s (where in the result which value goes) and `Note`s (what to say
to the user, at which place of the file). `apply` runs a table of them over one mapping.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Literal

Path = tuple[str | int, ...]
"""Keys and indexes from the top of the compose file, as in deployer.document."""


@dataclass(frozen=True)
class Note:
    """Something to say about the value at `at` (or about its key)."""

    at: Path
    message: str
    help: str = ""
    severity: Literal["error", "warning"] = "warning"
    key: bool = True


@dataclass(frozen=True)
class Put:
    """A value of the result. `how`: `set` it, set it `weak`ly (only where nothing stands yet), or `append` it to a list."""

    at: tuple[str, ...]
    value: Any
    how: Literal["set", "weak", "append"] = "set"


Rule = Callable[[Any, Path], Iterator[Put | Note]]


def apply(rules: Mapping[str, Rule], given: Mapping[str, Any], at: Path) -> tuple[dict[str, Any], list[Note]]:
    """The result of all rules, in the order of the table, over the keys of `given` that are not null."""
    result: dict[str, Any] = {}
    notes: list[Note] = []
    for key in [key for key in rules if key in given] + sorted(given.keys() - rules.keys()):
        if given[key] is None:
            continue
        for outcome in rules.get(key, unknown)(given[key], (*at, key)):
            if isinstance(outcome, Note):
                notes.append(outcome)
            else:
                _put(result, outcome)
    return result, notes


def _put(result: dict[str, Any], put: Put) -> None:
    *above, last = put.at
    for step in above:
        result = result.setdefault(step, {})
    if put.how == "append":
        result[last] = [*result.get(last, []), put.value]
    elif put.how == "set" or last not in result:
        result[last] = put.value


def keep(value: Any, at: Path) -> Iterator[Put | Note]:
    """As it is."""
    yield Put((str(at[-1]),), value)


def silent(_value: Any, _at: Path) -> Iterator[Put | Note]:
    """Means nothing here, and nobody has to know."""
    yield from ()


def ignored(help: str = "") -> Rule:
    """Swarm has nothing like it: a warning, unless the value says no anyway."""

    def rule(value: Any, at: Path) -> Iterator[Put | Note]:
        if value not in (False, "", 0, [], {}):
            yield Note(at, f"{str(at[-1])!r} is ignored: stacks have nothing like it", help)

    return rule


def refused(message: str, help: str) -> Rule:
    """The service cannot be what the file says: an error."""

    def rule(_value: Any, at: Path) -> Iterator[Put | Note]:
        yield Note(at, message, help, "error")

    return rule


def unknown(_value: Any, at: Path) -> Iterator[Put | Note]:
    """A key of a compose newer than this table."""
    if not str(at[-1]).startswith("x-"):
        yield Note(at, f"{str(at[-1])!r} is ignored: docker stacks do not know it")
