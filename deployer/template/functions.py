"""The functions of templates: those of the old registrator, of docker-machine, and the few of Go's own that such texts use. Pure.

Source: bridge/bridge.go at 6bfadbc; docker/machine commands/inspect.go; pkg.go.dev/text/template. `httpGet` is not among them: it made a request, on the network, for
every service at every registration.
"""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence


class TemplateError(ValueError):
    """What is wrong with a template, or where it does not fit what it is filled with."""


def shown(value: Any) -> str:
    """A value as Go prints it."""
    if value is None:
        return "<no value>"
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, list | tuple):
        return "[" + " ".join(map(shown, value)) + "]"
    if isinstance(value, dict):
        return "map[" + " ".join(f"{key}:{shown(value[key])}" for key in sorted(value)) + "]"
    return str(value)


def true(value: Any) -> bool:
    """Whether `if` takes it for true: anything but its type's zero."""
    return bool(value)


def _slice(text: str, *at: int) -> str:
    """`strSlice`, with the old one's answers to indices that do not fit."""
    match at:
        case (start,):
            return text[start:] if 0 <= start <= len(text) else text
        case (0, end) if len(text) >= end >= 0:
            return text[:end]
        case (start, end) if len(text) >= start >= 0 and len(text) >= end >= 0:
            return text[start:] if end < start else text[start:end]
    return text


def _item(index: int, values: Sequence[str]) -> str:
    """`sIndex`: from the end where negative, the nearest where it is too far."""
    if not values:
        raise IndexError("the list is empty")
    return str(values[max(index, -len(values)) if index < 0 else min(index, len(values) - 1)])


def _replace(count: int, old: str, new: str, text: str) -> str:
    return text.replace(old, new, count)


def _first_match(pattern: str, values: Sequence[str]) -> str:
    return next(iter(_matches(pattern, values)), "")


def _matches(pattern: str, values: Sequence[str]) -> list[str]:
    found = re.compile(pattern)
    return [value for value in values if found.search(value)]


def _json(text: str, path: str) -> str:
    """`jsonParse`: a value by its keys, `a::b`; nothing where it is not there."""
    value = json.loads(text)
    for key in path.split("::"):
        if not isinstance(value, dict) or key not in value:
            return ""
        value = value[key]
    return value if isinstance(value, str) else json.dumps(value)


def _index(value: Any, *keys: Any) -> Any:
    for key in keys:
        if value is None:
            return ""
        value = value.get(key, "") if isinstance(value, dict) else value[key]
    return value


def _or(*values: Any) -> Any:
    return next((value for value in values if true(value)), values[-1])


def _and(*values: Any) -> Any:
    return next((value for value in values if not true(value)), values[-1])


def _printf(form: str, *values: Any) -> str:
    rest = list(values)

    def put(found: re.Match[str]) -> str:
        if found[0] == "%%":
            return "%"
        return json.dumps(shown(rest.pop(0))) if found[0] == "%q" else shown(rest.pop(0))

    if odd := re.search(r"%(?![sdvq%])", form):
        raise ValueError(f"{form[odd.start() : odd.start() + 2]} is not supported")
    return re.sub(r"%[sdvq%]", put, form)


def _map_item(key: str, values: Mapping[str, str] | None) -> str:
    return (values or {}).get(key, "")


def _join(separator: str, values: Sequence[str] | None) -> str:
    return separator.join(values or ())


def _equal(first: Any, *others: Any) -> bool:
    return any(first == other for other in others)


FUNCTIONS: Final[dict[str, Callable[..., Any]]] = {
    "strSlice": _slice,
    "sIndex": _item,
    "mIndex": _map_item,
    "toUpper": lambda text: text.upper(),
    "toLower": lambda text: text.lower(),
    "replace": _replace,
    "join": _join,
    "split": lambda separator, text: text.split(separator) if separator else list(text),
    "splitIndex": lambda index, separator, text: _item(index, text.split(separator) if separator else list(text)),
    "matchFirstElement": _first_match,
    "matchAllElements": _matches,
    "jsonParse": _json,
    "index": _index,
    "len": len,
    "print": lambda *values: "".join(map(shown, values)),
    "printf": _printf,
    "json": lambda value: json.dumps(value, ensure_ascii=False, separators=(",", ":")),
    "prettyjson": lambda value: json.dumps(value, ensure_ascii=False, indent=4),
    "eq": _equal,
    "ne": lambda first, other: first != other,
    "and": _and,
    "or": _or,
    "not": lambda value: not true(value),
}
