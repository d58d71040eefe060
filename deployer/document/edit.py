"""Set one value in the text of a document: everything else stays, comments and layout too.

A YAML writer would lay the whole file out anew (ruamel.yaml: indentation, line widths, quotes). Here only the characters of
the value are exchanged, or one line comes in; whoever calls this reads the result again.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, Final

from deployer.document.guard import starts

if TYPE_CHECKING:
    from deployer.document.places import Document, Mark, Path

_PROPERTIES: Final = re.compile(r"(?:[&!]\S*[ \t]+)*")
"""An anchor or a tag before a value: it stays."""


def replaced(document: Document, text: str, at: Path, value: str) -> str | None:
    """With `value`, as it is to be written, for the scalar at `at`; None where there is none of one line."""
    place, found = document.place(at)
    if not found or place.children:
        return None
    start = _offset(text, place.value)
    written = text[start : start + place.value.width]
    kept = _PROPERTIES.match(written)
    if "\n" in written or written[:1] in "|>" or kept is None or not written[kept.end() :]:
        return None
    return text[: start + kept.end()] + value + text[start + place.value.width :]


def inserted(document: Document, text: str, at: Path, key: str, value: Any) -> str | None:
    """With one more key in the mapping at `at`; None where that is none with keys of its own.

    `value` is a string as it is to be written, or a mapping of such strings. A new line comes after the mapping's first
    line where that holds a value of its own, else before it.
    """
    place, found = document.place(at)
    if not found or any(isinstance(step, int) for step in place.children):
        return None
    start = _offset(text, place.value)
    if text[start : start + 1] == "{":
        rest = text[start + 1 :]
        comma = "" if rest.lstrip().startswith("}") else ", "
        return f"{text[: start + 1]}{key}: {_flow(value)}{comma}{rest}"
    if text[_line_start(text, place.value) : start].strip(" ") or text[start : start + 1] in "*&!|>":
        return None
    break_ = "\r\n" if "\r\n" in text else "\n"
    indent = " " * (place.value.column - 1)
    lines = _block(key, value, indent, _step(document, at, place.value), break_)
    first = next((child for child in place.children.values() if child.key and child.key.line == place.value.line), None)
    if first and first.value.line == place.value.line:
        end = _next_line(text, place.value)
        if end is not None and not _goes_on(text, end, place.value.column):
            return text[:end] + indent + lines + break_ + text[end:]
    return text[:start] + lines + break_ + indent + text[start:]


def _flow(value: Any) -> str:
    return value if isinstance(value, str) else "{" + ", ".join(f"{key}: {one}" for key, one in value.items()) + "}"


def _block(key: str, value: Any, indent: str, step: int, break_: str) -> str:
    if isinstance(value, str):
        return f"{key}: {value}"
    return break_.join((f"{key}:", *(f"{indent}{' ' * step}{name}: {one}" for name, one in value.items())))


def _step(document: Document, at: Path, mark: Mark) -> int:
    """By how much the file indents there."""
    key = document.place(at)[0].key
    return mark.column - key.column if key and mark.column > key.column else 2


def _goes_on(text: str, start: int, column: int) -> bool:
    """Whether the line there still belongs to the value before it: it is indented further, or empty."""
    line = text[start:].partition("\n")[0]
    return bool(line.strip()) and len(line) - len(line.lstrip(" ")) >= column and not line.lstrip().startswith("#")


def _offset(text: str, mark: Mark) -> int:
    return _line_start(text, mark) + mark.column - 1


def _line_start(text: str, mark: Mark) -> int:
    return starts(text)[mark.line - 1]


def _next_line(text: str, mark: Mark) -> int | None:
    lines = starts(text)
    return lines[mark.line] if mark.line < len(lines) else None
