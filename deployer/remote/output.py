"""A command's output: gathered whole for its end, handed on line by line while it runs."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, Protocol

from deployer.model.printable import printable

if TYPE_CHECKING:
    from collections.abc import Callable

LIMIT: Final = 8 * 1024 * 1024
"""Bytes that are kept, and told, of one stream; a hostile or broken machine cannot fill the memory."""

_CHUNK: Final = 65536


class _Readable(Protocol):
    async def read(self, n: int = -1, /) -> bytes: ...


async def collect(stream: _Readable, on_line: Callable[[str], None] | None) -> str:
    """All text of the stream, at most LIMIT bytes; each complete line goes to `on_line` as well, made printable."""
    kept = bytearray()
    line = b""
    while chunk := await stream.read(_CHUNK):
        room = LIMIT - len(kept)
        kept += chunk[:room]
        if on_line and room:
            *lines, line = (line + chunk).split(b"\n")
            line = line[-_CHUNK:]
            for complete in lines:
                on_line(printable(complete.decode("utf-8", "replace").rstrip()))
    if on_line and line.strip():
        on_line(printable(line.decode("utf-8", "replace").rstrip()))
    return kept.decode("utf-8", "replace")
