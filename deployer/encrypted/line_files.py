"""SOPS in dotenv and INI files: a value a line, the metadata flattened (stores/dotenv, stores/ini, stores/flatten.go)."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from deployer.encrypted.metadata import nested
from deployer.encrypted.sops import DamagedError, bounded, leaf

if TYPE_CHECKING:
    from collections.abc import Sequence

    from deployer.encrypted.metadata import Step
    from deployer.encrypted.sops import Leaf, Value

PREFIX: Final = "sops_"
_SECTION: Final = re.compile(r"\[(.+)\]\s*")
_STEP: Final = re.compile(r"__(map|list)_")
_INDEX: Final = re.compile(r"[0-9]{1,6}")
_UNSAFE: Final = re.compile(r"[\n\r#;\"`\\]|^\s|\s$")


@dataclass(frozen=True)
class _Line:
    number: int
    section: str
    key: str
    value: str


def read_dotenv(text: str) -> tuple[list[Leaf], Any]:
    """All leaves in the order of the file, and the metadata."""
    lines = _dotenv(text)
    leaves = [leaf((line.key,), line.value, line.number) for line in lines if not line.key.startswith(PREFIX)]
    flat = [(line.key.removeprefix(PREFIX), line.value) for line in lines if line.key.startswith(PREFIX)]
    return leaves, _unflattened(flat)


def write_dotenv(text: str, values: Sequence[Value]) -> bytes:
    """The file with these values, as `sops --decrypt` writes it, without its comments: those are encrypted too."""
    leaves, _ = read_dotenv(text)
    lines = (f"{one.path[0]}={_escaped(str(value))}\n" for one, value in zip(leaves, values, strict=True))
    return "".join(lines).encode()


def read_ini(text: str) -> tuple[list[Leaf], Any]:
    """The same of an INI file."""
    lines = _ini(text)
    leaves = [leaf((line.section, line.key), line.value, line.number) for line in lines if line.section != "sops"]
    flat = [(line.key, line.value.replace("\\n", "\n")) for line in lines if line.section == "sops"]
    return leaves, _unflattened(flat)


def write_ini(text: str, values: Sequence[Value]) -> bytes:
    """The file with these values; a value that INI would misread in triple quotes, as go-ini writes it."""
    leaves, _ = read_ini(text)
    written: list[str] = []
    section = "DEFAULT"
    for one, value in zip(leaves, values, strict=True):
        if one.path[0] != section:
            section = one.path[0]
            written.append(f"{'' if not written else chr(10)}[{section}]\n")
        plain = str(value)
        written.append(f"{one.path[1]} = " + (f'"""{plain}"""' if _UNSAFE.search(plain) else plain) + "\n")
    return "".join(written).encode()


def _escaped(value: str) -> str:
    return value.replace("\n", "\\n")


def _dotenv(text: str) -> list[_Line]:
    lines = []
    for number, line in enumerate(text.split("\n"), 1):
        bounded(number)
        if not line or line.startswith("#"):
            continue
        key, equals, value = line.partition("=")
        if not equals:
            raise DamagedError(f"its line {number} has no '='")
        lines.append(_Line(number, "", key, value.replace("\\n", "\n")))
    return lines


def _ini(text: str) -> list[_Line]:
    lines = []
    section = "DEFAULT"
    for number, line in enumerate(text.splitlines(), 1):
        bounded(number)
        stripped = line.strip()
        if not stripped or stripped[0] in "#;":
            continue
        header = _SECTION.fullmatch(stripped)
        if header is not None:
            section = header[1]
            continue
        key, equals, value = (part.strip() for part in stripped.partition("="))
        if not equals:
            raise DamagedError(f"its line {number} has no '='")
        lines.append(_Line(number, section, key, _unquoted(value)))
    return lines


def _unquoted(value: str) -> str:
    for quote in ('"""', "`", '"', "'"):
        if len(value) >= 2 * len(quote) and value.startswith(quote) and value.endswith(quote):
            return value[len(quote) : -len(quote)]
    return value


def _unflattened(flat: list[tuple[str, str]]) -> dict[str, Any]:
    """`age__list_0__map_enc` as `{age: [{enc: ...}]}` (stores/flatten.go)."""
    return nested((_steps(name), value) for name, value in flat)


def _steps(name: str) -> tuple[Step, ...]:
    first, *rest = _STEP.split(name)
    found: list[Step] = [first]
    for kind, word in zip(rest[::2], rest[1::2], strict=True):
        if kind == "list" and not _INDEX.fullmatch(word):
            raise DamagedError("its sops section has a list without numbers")
        found.append(int(word) if kind == "list" else word)
    return tuple(found)
