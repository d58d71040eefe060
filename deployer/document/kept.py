"""Parsed documents by content: what a file without problems says is kept, where it says it is found out when somebody asks.

Reading 200 stack files was a quarter of a plan; hardly any change between two, and of those that do not, nobody wants a line number.
"""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, Any, Final

import msgspec

from deployer.document.places import Document
from deployer.startup import defer_imports

if TYPE_CHECKING:
    from deployer.document.shelf import Shelf
    from deployer.model.problem import Problem

with defer_imports():
    from deployer.document import reading

FORMAT: Final = 2
"""Raise it with every change of what `parse` makes of a file, or refuses: older entries are not read."""

_MOST: Final = 8
"""Times the file's own size. Aliases are written out here: what a small file says may be large."""


class _Kept(Document):
    """Its value is the one that was kept; lines and places are made of the file when they are asked for."""

    def __init__(self, path: str, value: Any, data: bytes, tags: frozenset[str]) -> None:
        self.__dict__.update(path=path, value=value, _file=(data, tags))

    def __getattr__(self, name: str) -> Any:
        if name not in {"lines", "top"}:
            raise AttributeError(name)
        data, tags = self.__dict__["_file"]
        document, _ = _parse(self.path, data, tags=tags)
        if document is None:
            raise RuntimeError(f"{self.path} was kept as a file without problems, and has some: raise kept.FORMAT")
        self.__dict__.update(lines=document.lines, top=document.top)
        return self.__dict__[name]


def parse_kept(
    shelf: Shelf, path: str, data: bytes, *, tags: frozenset[str] = frozenset()
) -> tuple[Document | None, tuple[Problem, ...]]:
    """What `parse` says, from the shelf where it has it."""
    name = hashlib.sha256(f"{FORMAT} {' '.join(sorted(tags))}\n".encode() + data).hexdigest()
    kept = shelf.get(name)
    if kept is not None:
        try:
            return _Kept(path, msgspec.json.decode(kept), data, tags), ()
        except msgspec.MsgspecError:
            pass
    document, problems = _parse(path, data, tags=tags)
    if document is not None and not problems and (text := _text(document.value, len(data))):
        shelf.put(name, text)
    return document, problems


def _parse(path: str, data: bytes, *, tags: frozenset[str]) -> tuple[Document | None, tuple[Problem, ...]]:
    return reading.parse(path, data, tags=tags)


def _text(value: Any, size: int) -> bytes:
    """The value as JSON; nothing where that is too long, is not quite the same, or has a secret in it."""
    if _tells_secrets(value):
        return b""
    try:
        text = msgspec.json.encode(value)
        again = msgspec.json.decode(text)
    except (msgspec.MsgspecError, TypeError, ValueError, RecursionError):
        return b""
    same = again == value and msgspec.json.encode(again) == text  # not so: NaN
    return text if same and len(text) <= _MOST * size else b""


def _tells_secrets(value: Any) -> bool:
    secrets = value.get("secrets") if isinstance(value, dict) else None
    return isinstance(secrets, dict) and any(isinstance(one, dict) and "content" in one for one in secrets.values())
