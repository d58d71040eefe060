"""A decrypted env file in, its variables out, as compose would read it (compose-go, dotenv/parser.go).

Compose fills in `$NAME` in values that are not in single quotes. A secret with a dollar sign that means one is more
likely than a variable in a secret, and neither is to be guessed: such a value is refused.
"""

from __future__ import annotations

import re
from typing import Final

_NAME: Final = re.compile(r"(?:export[ \t]+)?([A-Za-z_][A-Za-z0-9_.\-\[\]]*)[ \t]*(?:([=:])[ \t]*)?")
_SINGLE: Final = re.compile(r"'([^']*)'")
_DOUBLE: Final = re.compile(r'"((?:[^"\\]|\\.)*)"', re.DOTALL)
_PLAIN: Final = re.compile(r"[^\n]*")
_REST: Final = re.compile(r"[ \t]*(?:#[^\n]*)?(?:\n|$)")
_ESCAPE: Final = re.compile(r"\\(.)", re.DOTALL)
_ESCAPES: Final = {
    "n": "\n",
    "r": "\r",
    "t": "\t",
    "a": "\a",
    "b": "\b",
    "f": "\f",
    "v": "\v",
    '"': '"',
    "\\": "\\",
    "$": "$",
}


class NotReadableError(Exception):
    """`line` is where; the message says why, without the value."""

    def __init__(self, message: str, line: int) -> None:
        super().__init__(message)
        self.message, self.line = message, line


def read(text: str) -> dict[str, str]:
    """The variables; the last of one name counts. NotReadableError at the first line that cannot be read."""
    text = text.removeprefix("\ufeff").replace("\r\n", "\n")
    variables: dict[str, str] = {}
    at = counted = 0
    line = 1
    while at < len(text):
        line, counted = line + text.count("\n", counted, at), at
        end = text.find("\n", at)
        rest = text[at : end if end >= 0 else len(text)]
        if not rest.strip() or rest.lstrip().startswith("#"):
            at += len(rest) + 1
            continue
        at += len(rest) - len(rest.lstrip())
        match = _NAME.match(text, at)
        if match is None:
            raise NotReadableError("this is no NAME=value", line)
        if match[2] is None:
            if text[match.end() : match.end() + 1] not in ("", "\n"):
                raise NotReadableError("this is no NAME=value", line)
            at = match.end() + 1  # a name alone: from the environment of whoever deploys, which is not read
            continue
        variables[match[1]], at = _value(text, match.end(), match[1], line)
    return variables


def _value(text: str, at: int, name: str, line: int) -> tuple[str, int]:
    first = text[at : at + 1]
    if first in ("'", '"'):
        match = (_SINGLE if first == "'" else _DOUBLE).match(text, at)
        rest = _REST.match(text, match.end()) if match else None
        if match is None or rest is None:
            raise NotReadableError(f"the quotes of {name} do not end", line)
        value = match[1]
        if first == '"':
            _no_variable(re.sub(r"\\\$", "", value), name, line)
            value = _ESCAPE.sub(lambda escape: _ESCAPES.get(escape[1], escape[0]), value)
        return value, rest.end()
    match = _PLAIN.match(text, at)
    assert match is not None  # noqa: S101 - it matches nothing, too
    value = re.sub(r"(?:^|[ \t])#.*$", "", match[0]).strip()
    _no_variable(value, name, line)
    return value, match.end() + 1


def _no_variable(value: str, name: str, line: int) -> None:
    if "$" in value:
        raise NotReadableError(
            f"the value of {name} has a '$', which compose would fill in: put it into single quotes", line
        )
