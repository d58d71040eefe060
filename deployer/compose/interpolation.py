"""`${...}` in paths, as Docker would fill it in, or not at all.

Only what cannot be read in two ways is filled in: if this and Docker's own reading differed, a path could be checked
here and another one be opened there (FAULTS.md, S-02). Everything else is None: "cannot be checked".
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Mapping

_LINE: Final = re.compile(
    r"(?:export[ \t]+)?([A-Za-z_][A-Za-z0-9_]*)=(?:'([\w./:@ -]*)'|\"([\w./:@ -]*)\"|([\w./:@%+=,;!?&*()<>|~^-]*))[ \t]*",
    re.ASCII,
)
_REFERENCE: Final = re.compile(
    r"\$(?:(?P<dollar>\$)|(?P<name>[_a-zA-Z][_a-zA-Z0-9]*)|\{(?P<braced>[_a-zA-Z][_a-zA-Z0-9]*)(?:(?P<operator>:?[-?])(?P<word>[^${}]*))?\}|(?P<other>))"
)


_RESERVED: Final = re.compile(r"PWD|COMPOSE_\w+|DOCKER_\w+")
"""Variables for which compose has values of its own, whatever `.env` says."""


def read_env(data: bytes) -> dict[str, str] | None:
    """The variables of a `.env` file; None unless every line is `NAME=value`, a comment or empty, and no name stands twice."""
    variables: dict[str, str] = {}
    try:
        # Not splitlines(): it knows line ends that Docker does not, and a value could hide behind one.
        lines = data.decode("ascii").replace("\r\n", "\n").split("\n")
    except UnicodeDecodeError:
        return None
    for line in lines:
        if not line.strip(" \t") or line.lstrip(" \t").startswith("#"):
            continue
        match = _LINE.fullmatch(line)
        if match is None or match[1] in variables:
            return None
        if _RESERVED.fullmatch(match[1]):
            continue
        variables[match[1]] = match[2] or match[3] or match[4] or ""
    return variables


def fill_in(text: str, variables: Mapping[str, str] | None) -> str | None:
    """The text with its variables' values; None where a value is missing or the reference is more than a plain one."""
    parts: list[str] = []
    end = 0
    for match in _REFERENCE.finditer(text):
        value = _value(match, variables)
        if value is None:
            return None
        parts += [text[end : match.start()], value]
        end = match.end()
    return "".join([*parts, text[end:]])


def _value(match: re.Match[str], variables: Mapping[str, str] | None) -> str | None:
    if match["dollar"]:
        return "$"
    if variables is None or match["other"] is not None:
        return None
    value = variables.get(match["name"] or match["braced"])
    operator = match["operator"] or ""
    absent = value is None or (operator.startswith(":") and not value)
    return match["word"] if absent and operator.endswith("-") else None if absent else value
