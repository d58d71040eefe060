"""Names as parts of a request's path: quoted here, and nowhere else, for Consul's API and for the engine's. Pure.

Quoting alone is not enough. Both servers are written in Go, whose router decoded a path before it removed `.`, `..` and empty
segments (net/http, ServeMux, until Go 1.22; gorilla/mux): `..%2F..%2Fleave` is answered with a redirect to `/v1/agent/leave` by
Consul 1.8.7. So a name that holds such a segment stands in no path at all.
"""

from __future__ import annotations

from typing import Final
from urllib.parse import quote, unquote

from deployer.model.printable import shown

LONGEST: Final = 2048
"""Characters of a name. Ids have 64, names of images at most 255, keys in Consul at most 512."""
_MOVES: Final = frozenset({"", ".", ".."})
"""Segments that servers take out of a path, whatever stands before and after them."""


class BadPathError(ValueError):
    """A name, or a path, that may stand in no request. The message shows it, escaped and cut."""


def segment(text: str) -> str:
    """A name or id as one segment of a path. Raises BadPathError."""
    if len(text) > LONGEST:
        raise BadPathError(f"{shown(text)} is longer than {LONGEST} characters")
    if not _MOVES.isdisjoint(text.split("/")):
        raise BadPathError(f"{shown(text)} has a part that is empty, `.` or `..`: no path may hold it")
    try:
        return quote(text, safe="")
    except UnicodeEncodeError:
        raise BadPathError(f"{shown(text)} is no text that UTF-8 can hold") from None


def is_quoted(path: str) -> bool:
    """Whether every segment of a path is as `segment` writes it."""
    first, *parts = path.split("/")
    return not first and bool(parts) and all(_is_segment(part) for part in parts)


class Paths:
    """The paths that a client may ask for. `*` stands for one name, `**` at the end for a name that slashes part.

    A path that a library made of a name without quoting it, or of an endpoint that is not listed, is refused.
    """

    def __init__(self, *shapes: str) -> None:
        self._shapes = tuple(tuple(shape.split("/")) for shape in shapes)

    def checked(self, path: str) -> str:
        """The same path. Raises BadPathError where it is not one of these."""
        parts = tuple(path.split("/"))
        if not is_quoted(path) or not any(_fits(parts, shape) for shape in self._shapes):
            raise BadPathError(f"{shown(path)} is no path that is asked for")
        return path


def _is_segment(part: str) -> bool:
    try:
        return segment(unquote(part, errors="strict")) == part
    except ValueError:  # UnicodeDecodeError too
        return False


def _fits(parts: tuple[str, ...], shape: tuple[str, ...]) -> bool:
    if shape[-1] == "**":
        shape = (*shape[:-1], *("*" for _ in parts[len(shape) - 1 :]))
    return len(parts) == len(shape) and all(wanted in {"*", part} for part, wanted in zip(parts, shape, strict=True))
