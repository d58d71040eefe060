"""Read a plain scalar as Docker would.

Docker Compose reads YAML with go-yaml v3 and its successor v4, so this is `resolve` in go-yaml's resolve.go, which is
neither YAML 1.1 (PyYAML) nor YAML 1.2: `yes`, `on` and `12:30:00` are strings, `0777` and `0o777` are octal, `1_000` is
a thousand. Dates are strings here. go-yaml makes times of them, and Docker writes those in another form: a compose file may
not have them without quotes (`is_date`).
"""

from __future__ import annotations

import re
from typing import Final

_WORDS: Final[dict[str, float | bool | None]] = {
    "": None,
    **dict.fromkeys(("~", "null", "Null", "NULL")),
    **dict.fromkeys(("true", "True", "TRUE"), True),
    **dict.fromkeys(("false", "False", "FALSE"), False),
    **dict.fromkeys((".nan", ".NaN", ".NAN"), float("nan")),
    **dict.fromkeys((".inf", ".Inf", ".INF", "+.inf", "+.Inf", "+.INF"), float("inf")),
    **dict.fromkeys(("-.inf", "-.Inf", "-.INF"), float("-inf")),
}
_INTEGER: Final = re.compile(
    r"(?P<sign>[-+]?)(?:0[bB](?P<two>[01]+)|0[oO]?(?P<eight>[0-7]+)|0[xX](?P<sixteen>[0-9a-fA-F]+)|(?P<ten>0|[1-9][0-9]*))"
)
_FLOAT: Final = re.compile(r"[-+]?(?:\.[0-9]+|[0-9]+(?:\.[0-9]*)?)(?:[eE][-+]?[0-9]+)?")
_DATE: Final = re.compile(
    r"[0-9]{4}-[0-9]{1,2}-[0-9]{1,2}(?:[Tt][0-9:]+(?:[.,][0-9]+)?(?:Z|[-+][0-9]{2}:[0-9]{2})| [0-9:]+(?:[.,][0-9]+)?)?"
)
_BASES: Final = {"two": 2, "eight": 8, "sixteen": 16, "ten": 10}
_LONGEST_INTEGER: Final = (
    66  # sixty-four binary digits: a longer one is out of range, and Python's int() has its own limit
)


def plain(text: str) -> str | float | bool | None:
    """The value of an unquoted, untagged scalar (`int` is a `float` to the type checker)."""
    if text in _WORDS:
        return _WORDS[text]
    first = text[0]
    if first not in "+-.0123456789":
        return text
    digits = text if first == "." else text.replace("_", "")
    whole = integer(digits)
    if whole is not None:
        return whole
    number = floating(digits)
    return text if number is None else number


def is_date(text: str) -> bool:
    """Whether go-yaml takes a plain scalar for a time (resolve.go, parseTimestamp)."""
    return text[4:5] == "-" and _DATE.fullmatch(text) is not None


def integer(digits: str) -> int | None:
    """The 64-bit integer that Go's `strconv.ParseInt` or `ParseUint` would read with base 0; none if it is not one."""
    if len(digits) > _LONGEST_INTEGER:
        return None
    match = _INTEGER.fullmatch(digits)
    if match is None or match.lastgroup is None:
        return None
    value = int(match[match.lastgroup], _BASES[match.lastgroup])
    if match["sign"] == "-":
        value = -value
    highest = 1 << (63 if match["sign"] else 64)
    return value if -(1 << 63) <= value < highest else None


def floating(digits: str) -> float | None:
    """The finite decimal number; none if it is not one."""
    if _FLOAT.fullmatch(digits) is None:
        return None
    value = float(digits)
    return value if abs(value) != float("inf") else None
