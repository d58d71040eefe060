"""`${...}` in a text, filled in as compose-go does it (template/template.go), in time that grows with the text.

We fill in every variable before a tool of Docker's sees a file. So there is one reading: the paths that we check are the
paths that Docker gets, and nothing of a tool's own environment can come in.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Callable

    Lookup = Callable[[str], str | None]

DEEPEST: Final = 20
"""Of variables in the default of a variable in ..."""
LARGEST: Final = 4 << 20
"""Characters of all that is filled in for one stack."""

_NAME: Final = re.compile("[_a-zA-Z\u017f\u212a][_a-zA-Z0-9\u017f\u212a]*")
"""Go's `(?i:[_a-z])` takes the long s and the Kelvin sign, too."""
_OPERATOR: Final = re.compile(":?[-+?]")
_BRACE: Final = re.compile(r"\{.?|\}", re.DOTALL)
"""compose-go passes over the character after an opening brace."""


@dataclass
class Budget:
    """What filling in may still cost, in characters; `spent` counts, so that a test can say what something costs."""

    left: int = LARGEST
    spent: int = 0

    def spend(self, characters: int) -> None:
        self.spent += characters
        self.left -= characters
        if self.left < 0:
            raise TooMuchError


class CannotFillInError(Exception):
    """Why a text has no value; the message goes on after what the text is called."""

    def __init__(self, message: str, help: str, variable: str = "") -> None:
        super().__init__(message)
        self.message, self.help, self.variable = message, help, variable


class TooMuchError(CannotFillInError):
    """More is filled in than a stack of ours needs."""

    def __init__(self) -> None:
        message = f"is too much: more than {LARGEST} characters would be filled in for this stack"
        super().__init__(message, "use shorter values, or use them less often")


@dataclass(frozen=True)
class Missing:
    """A variable that has no value where it needs one; `said` is what the file says about it (`${NAME:?said}`)."""

    name: str
    said: str = ""


@dataclass(frozen=True)
class Filled:
    """The text with its variables' values. What is `missing` is empty in it."""

    text: str
    missing: tuple[Missing, ...] = ()


def fill_in(text: str, lookup: Lookup, budget: Budget) -> Filled:
    """`CannotFillInError` where a `${` begins no variable, and where it would cost too much."""
    if "$" not in text:
        return Filled(text)
    missing: list[Missing] = []
    return Filled(_fill_in(text, lookup, budget, missing, 0), tuple(missing))


def _fill_in(text: str, lookup: Lookup, budget: Budget, missing: list[Missing], depth: int) -> str:
    if depth > DEEPEST:
        raise CannotFillInError(
            f"has variables that are nested more than {DEEPEST} deep", "give the inner ones names in .env"
        )
    budget.spend(len(text))
    parts: list[str] = []
    done = 0
    line = _Line(text)
    at = text.find("$")
    while at >= 0:
        parts.append(text[done:at])
        after = text[at + 1 : at + 2]
        name = _NAME.match(text, at + 1)
        if after == "{":
            value, done = _braced(line, at, lookup, budget, missing, depth)
        elif name is not None:
            value, done = _value(name[0], lookup, missing), name.end()
        else:  # `$$` is a plain dollar, and so is one before anything else
            value, done = "$", at + (2 if after == "$" else 1)
        budget.spend(len(value))
        parts.append(value)
        at = text.find("$", done)
    return "".join([*parts, text[done:]])


class _Line:
    """Where in a text the last `}` of a line is: looked for once a line."""

    def __init__(self, text: str) -> None:
        self.text = text
        self._end = self._brace = -1

    def last_brace(self, at: int) -> int:
        """Of the line that `at` is in; -1 where there is none."""
        if self._end < at:
            self._end = self.text.find("\n", at)
            if self._end < 0:
                self._end = len(self.text)
            self._brace = self.text.rfind("}", at, self._end)
        return self._brace


def _braced(
    line: _Line, at: int, lookup: Lookup, budget: Budget, missing: list[Missing], depth: int
) -> tuple[str, int]:
    """The value of the `${...}` at `at`, and where the text goes on."""
    text = line.text
    name = _NAME.match(text, at + 2)
    end = name.end() if name is not None else at
    if name is not None and text[end : end + 1] == "}":
        return _value(name[0], lookup, missing), end + 1
    operator = _OPERATOR.match(text, end) if name is not None else None
    last = line.last_brace(at)
    if name is None or operator is None or last < operator.end():
        raise CannotFillInError("has a '$' that begins no variable", "write ${NAME}, or $$ for a plain $")
    close = _closing(text, at + 1, last + 1, budget)
    word = text[operator.end() : close]
    given = lookup(name[0])
    absent = given is None or (operator[0].startswith(":") and not given)

    def filled() -> str:
        return _fill_in(word, lookup, budget, missing, depth + 1)

    match operator[0][-1]:
        case "-":
            value = filled() if absent else given
        case "+":
            value = given if absent else filled()
        case _:
            value = given
            if absent:
                missing.append(Missing(name[0], filled()))
    return value or "", close + 1


def _closing(text: str, at: int, end: int, budget: Budget) -> int:
    """The `}` that belongs to the `{` at `at`; the last one before `end` where the braces do not match."""
    depth = 0
    for brace in _BRACE.finditer(text, at, end):
        if brace[0] != "}":
            depth += 1
            continue
        depth -= 1
        if depth == 0:
            budget.spend(brace.start() - at)
            return brace.start()
    budget.spend(end - at)
    return end - 1


def _value(name: str, lookup: Lookup, missing: list[Missing]) -> str:
    value = lookup(name)
    if value is None:
        missing.append(Missing(name))
    return value or ""
