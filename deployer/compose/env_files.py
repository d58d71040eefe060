"""A stack's env files: their variables, for us to fill in, and files with one reading of their own, for compose."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from deployer.compose.amount import MOST_VALUES
from deployer.compose.interpolation import CannotFillInError
from deployer.compose.reading import lookup_of, no_value
from deployer.compose.variables import EnvFileError, evaluate, parse, write
from deployer.model.problem import Problem

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from deployer.compose.interpolation import Budget
    from deployer.compose.variables import Ask, EnvFile

    Others = Mapping[str, frozenset[str]]

FOLDER: Final = "variables"
"""Below the private folder."""
UNKNOWN: Final = "\0"
"""Stands for a value that is not worked out: it is equal to no other one."""


@dataclass(frozen=True)
class Given:
    """An entry of `env_file` or `label_file`, by its path in the stack's folder."""

    path: str
    raw: bool = False


@dataclass(eq=False)
class EnvFiles:
    """Of one stack; each file is parsed once. A file that cannot be read is a problem, and has no variables."""

    root: str
    files: Mapping[str, bytes]
    budget: Budget
    problems: list[Problem] = field(default_factory=list)
    broken: bool = False
    written: dict[str, bytes] = field(default_factory=dict)
    _read: int = 0
    _parsed: dict[Given, EnvFile | None] = field(default_factory=dict)
    _names: dict[bytes, str] = field(default_factory=dict)

    def project(self, paths: Iterable[str], outer: Mapping[str, str]) -> dict[str, str]:
        """The variables of a project: those of these files, the later of one name, and `outer` before all of them."""
        values: dict[str, str] = {}
        for path in paths:
            known = lookup_of({**values, **outer})
            values |= self._evaluate(Given(path), lambda name, own, _, known=known: _first(known(name), own.get(name)))  # type: ignore[misc]  # the default binds it
        values.pop("PWD", None)  # compose has a value of its own for it: neither is filled in
        return {**values, **outer}

    def labels(self, given: Sequence[Given]) -> tuple[str, int]:
        """The path of a file with what these label files say, and how many values it is."""
        values: dict[str, str] = {}
        for one in given:
            known = lookup_of(dict(values))
            values |= self._evaluate(one, lambda name, own, _, known=known: _first(known(name), own.get(name)))  # type: ignore[misc]  # as above
        return self._write(values), _weight(values)

    def environment(
        self, given: Sequence[Given], variables: Mapping[str, str], service: Mapping[str, str], others: Others
    ) -> tuple[str, int]:
        """The path of a file with the variables of one service, and how many values it is.

        Compose's versions look a variable up in another order: among the project's, those of the files before, the file's
        own, and the service's. Where these do not agree on it, it is refused. `service` is the service's own environment,
        `others` are the values that other services have, which may be merged with it.
        """
        values: dict[str, str] = {}
        for one in given:
            values |= self._evaluate(one, _agreed(variables, dict(values), service, others))
        return self._write(values), _weight(values)

    def plain(self, given: Sequence[Given]) -> dict[str, str]:
        """What these files say as far as nothing has to be filled in, `UNKNOWN` for the rest."""
        found: dict[str, str] = {}
        for one in given:
            parsed = self._parse(one)
            for assignment in parsed.assignments if parsed is not None else ():
                found[assignment.name] = UNKNOWN if assignment.asks else assignment.text or ""
        return found

    def ask(self, given: Sequence[Given]) -> bool:
        """Whether anything has to be filled in, in any of them."""
        return any(one.asks for each in given for one in getattr(self._parse(each), "assignments", ()))

    def _evaluate(self, given: Given, ask: Ask) -> dict[str, str]:
        parsed = self._parse(given)
        if parsed is None or self._read > MOST_VALUES:
            return {}
        self._read += len(parsed.assignments)
        if self._read > MOST_VALUES:
            message = f"env files are read for so many services that it is more than {MOST_VALUES} variables"
            self._refuse(given.path, EnvFileError(message, 1, help="split the stack"))
            return {}
        try:
            values, missing = evaluate(parsed, ask, self.budget)
        except EnvFileError as error:
            self._refuse(given.path, error)
            return {}
        for line, column, absent in missing:
            self.problems.append(self._problem(given.path, line, column, *no_value(absent, self.root)))
        return values

    def _parse(self, given: Given) -> EnvFile | None:
        if given not in self._parsed:
            self._parsed[given] = None
            try:
                self._parsed[given] = parse(self.files.get(given.path, b""), raw=given.raw)
            except EnvFileError as error:
                self._refuse(given.path, error)
        return self._parsed[given]

    def _refuse(self, path: str, error: EnvFileError) -> None:
        self.broken = True
        self.problems.append(self._problem(path, error.line, error.column, error.message, error.help))

    def _problem(self, path: str, line: int, column: int, message: str, help_: str) -> Problem:
        """Without the line's text: that is somebody's password."""
        return Problem(f"{self.root}/{path}", line, column if line else 0, message, help_, width=1)

    def _write(self, values: Mapping[str, str]) -> str:
        data = write(values)
        if data not in self._names:
            path = f"{FOLDER}/{len(self.written)}"
            self._names[data], self.written[path] = path, data
        return self._names[data]


def _first(one: str | None, other: str | None) -> str | None:
    return other if one is None else one


def _weight(values: Mapping[str, str]) -> int:
    return len(values) + sum(len(value) >> 6 for value in values.values())


def _agreed(variables: Mapping[str, str], before: Mapping[str, str], service: Mapping[str, str], others: Others) -> Ask:
    project = lookup_of(variables)

    def ask(name: str, own: Mapping[str, str], alone: bool) -> str | None:  # noqa: FBT001 - as Ask has it
        known = {value for value in (project(name), before.get(name), own.get(name)) if value is not None}
        # A service's own environment wins over a name that stands alone, whatever that one becomes.
        maybe = others.get(name, frozenset()) | ({service[name]} if name in service and not alone else set())
        if len(known) > 1 or maybe - known:
            help_ = "write the value out, or give the variable another name"
            raise CannotFillInError(f"uses {name}, which several places give a value", help_, name)
        return known.pop() if known else None

    return ask
