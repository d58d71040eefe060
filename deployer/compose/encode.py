"""Write a value as text that every JSON and YAML parser reads as the same value. Every string is in quotes."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from collections.abc import Mapping

    from deployer.compose.rules import Path

_NOT_IN_YAML: Final = re.compile("[\x7f-\x9f\u2028\u2029\ufeff\ufffe\uffff]")
_NO_TAGS: Final[Mapping[Path, str]] = {}


@dataclass(frozen=True)
class Inside:
    """A path of the private folder in which a tool of Docker's works: absolute once that folder is known."""

    path: str


def encode(value: Any) -> bytes:
    """go-yaml takes no surrogate pairs in escapes, so nothing is escaped but what YAML refuses as it is."""
    return _escaped(json.dumps(value, ensure_ascii=False)).encode()


def encode_compose(value: Any, folder: str, tags: Mapping[Path, str] = _NO_TAGS) -> bytes:
    """A compose file in which nothing is to be filled in: dollar signs are doubled. Paths `Inside` are those of `folder`.

    `tags` are compose's own (`!reset`, `!override`) of the values at these places.
    """
    parts: list[str] = []
    _write(value, (), parts, folder, tags)
    return _escaped("".join(parts)).encode()


def _write(value: Any, at: Path, parts: list[str], folder: str, tags: Mapping[Path, str]) -> None:
    tag = tags.get(at) if tags else None
    if tag == "!reset":
        parts.append("!reset null")
        return
    if tag is not None:
        parts.append(f"{tag} ")
    if isinstance(value, dict):
        parts.append("{")
        for index, (key, one) in enumerate(value.items()):
            parts.append(f"{', ' if index else ''}{json.dumps(key, ensure_ascii=False)}: ")
            _write(one, (*at, key), parts, folder, tags)
        parts.append("}")
    elif isinstance(value, list):
        parts.append("[")
        for index, one in enumerate(value):
            parts.append(", " if index else "")
            _write(one, (*at, index), parts, folder, tags)
        parts.append("]")
    else:
        plain = f"{folder}/{value.path}".rstrip("/") if isinstance(value, Inside) else value
        if isinstance(plain, str):
            plain = plain.replace("$", "$$")
        parts.append(json.dumps(plain, ensure_ascii=False, allow_nan=False))


def _escaped(text: str) -> str:
    return _NOT_IN_YAML.sub(lambda match: f"\\u{ord(match[0]):04x}", text)
