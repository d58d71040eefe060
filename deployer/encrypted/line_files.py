"""SOPS in dotenv and INI files: a value a line, the metadata flattened (stores/dotenv, stores/ini, stores/flatten.go)."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from deployer.encrypted.leaves import DamagedError, Leaf, check_count

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

PREFIX: Final = "sops_"
DEEPEST: Final = 8
MOST: Final = 10_000
"""Values in the section."""
_SECTION: Final = re.compile(r"\[(.+)\]\s*")
_STEP: Final = re.compile(r"__(map|list)_")
_INDEX: Final = re.compile(r"[0-9]{1,6}")


class _Line(NamedTuple):
    """`path` is empty for a line that has no value; `sops` says whether it belongs to the metadata."""

    number: int
    path: tuple[str, ...]
    value: str
    text: str
    sops: bool


def read_dotenv(text: str) -> tuple[list[Leaf], Any]:
    """All leaves in the order of the file, and the metadata. Raises DamagedError."""
    return _read(_dotenv(text))


def read_ini(text: str) -> tuple[list[Leaf], Any]:
    """The same of an INI file."""
    return _read(_ini(text))


def replace_dotenv_section(text: str, section: Mapping[str, Any]) -> str:
    """The file with other metadata."""
    kept = [line.text for line in _dotenv(text) if not line.sops]
    return "\n".join([*kept, *(f"{PREFIX}{name}={value}" for name, value in _flatten(section)), ""])


def replace_ini_section(text: str, section: Mapping[str, Any]) -> str:
    """The same of an INI file."""
    kept = [line.text for line in _ini(text) if not line.sops]
    return "\n".join([*kept, "[sops]", *(f"{name} = {value}" for name, value in _flatten(section)), ""])


def _read(lines: Iterator[_Line]) -> tuple[list[Leaf], Any]:
    leaves: list[Leaf] = []
    flat: list[tuple[str, str]] = []
    for line in lines:
        if line.path and line.sops:
            flat.append((line.path[-1], line.value))
        elif line.path:
            leaves.append(Leaf(line.path, line.value, line.number))
    return leaves, _unflatten(flat)


def _dotenv(text: str) -> Iterator[_Line]:
    for number, line in enumerate(text.split("\n"), 1):
        check_count(number)
        if not line or line.startswith("#"):
            yield _Line(number, (), "", line, sops=False)
            continue
        key, value = _split(line, number)
        sops = key.startswith(PREFIX)
        yield _Line(number, (key.removeprefix(PREFIX) if sops else key,), value.replace("\\n", "\n"), line, sops)


def _ini(text: str) -> Iterator[_Line]:
    section = "DEFAULT"
    for number, line in enumerate(text.split("\n"), 1):
        check_count(number)
        stripped = line.strip()
        header = _SECTION.fullmatch(stripped)
        section = header[1] if header else section
        path: tuple[str, ...] = ()
        value = ""
        if not header and stripped and stripped[0] not in "#;":
            key, value = (part.strip() for part in _split(stripped, number))
            path, value = (section, key), _unquote(value)
        sops = section == "sops"
        yield _Line(number, path, value.replace("\\n", "\n") if sops else value, line, sops)


def _split(line: str, number: int) -> tuple[str, str]:
    key, equals, value = line.partition("=")
    if not equals:
        raise DamagedError(f"its line {number} has no '='")
    return key, value


def _unquote(value: str) -> str:
    for quote in ('"""', "`", '"', "'"):
        if len(value) >= 2 * len(quote) and value.startswith(quote) and value.endswith(quote):
            return value[len(quote) : -len(quote)]
    return value


def _flatten(section: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    for name, value in section.items():
        if isinstance(value, list):
            for at, entry in enumerate(value):
                yield from ((f"{name}__list_{at}__map_{key}", _escape(one)) for key, one in entry.items())
        else:
            yield name, _escape(value)


def _escape(value: Any) -> str:
    return "true" if value is True else str(value).replace("\n", "\\n")


def _unflatten(flat: list[tuple[str, str]]) -> dict[str, Any]:
    """`age__list_0__map_enc` as `{age: [{enc: ...}]}`. Raises DamagedError where two values stand at one place."""
    if len(flat) > MOST:
        raise DamagedError("its sops section is larger than sops writes it")
    top: dict[str | int, Any] = {}
    for name, value in flat:
        *above, last = _read_steps(name)
        into = top
        for step in above:
            into = into.setdefault(step, {})
            if not isinstance(into, dict):
                raise DamagedError("its sops section has two values at one place")
        if last in into:
            raise DamagedError("its sops section has two values at one place")
        into[last] = value
    return {str(key): _make_lists(value) for key, value in top.items()}


def _read_steps(name: str) -> list[str | int]:
    first, *rest = _STEP.split(name, maxsplit=DEEPEST)
    if len(rest) >= 2 * DEEPEST:
        raise DamagedError("its sops section is larger than sops writes it")
    steps: list[str | int] = [first]
    for kind, word in zip(rest[::2], rest[1::2], strict=True):
        if kind == "list" and not _INDEX.fullmatch(word):
            raise DamagedError("its sops section has a list without numbers")
        steps.append(int(word) if kind == "list" else word)
    return steps


def _make_lists(value: Any) -> Any:
    if not isinstance(value, dict):
        return value
    indices = [step for step in value if isinstance(step, int)]
    if not indices:
        return {key: _make_lists(below) for key, below in value.items()}
    if len(indices) < len(value):
        raise DamagedError("its sops section has a list that is a mapping, too")
    return [_make_lists(value[index]) for index in sorted(indices)]
