"""Read the lines of a log as engines send it. Pure.

Without a terminal the two outputs of a container come as frames: eight bytes (output, three zeros, length), then that many
(docs.docker.com/reference/api/engine, "Attach to a container", Stream format); with one, as they are.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterator

HEAD: Final = 8
LONGEST: Final = 65536
"""Of one line, in bytes: what is longer is cut into several."""


class Frames:
    """Bytes in, as they come; complete lines out. A line that a frame leaves open goes on in the next frame of that output.

    A frame may say that it is 4 GiB long: nothing waits for its end, and no more is kept than a head and an open line of each output.
    """

    def __init__(self) -> None:
        self._raw = b""
        self._framed: bool | None = None
        self._output = 1
        self._left = 0
        """Bytes of the frame that are still to come, and the output that they are of."""
        self._open: dict[int, bytes] = {}

    def lines(self, data: bytes) -> Iterator[str]:
        """The lines that end within what has come so far."""
        self._raw += data
        if self._framed is None and len(self._raw) >= HEAD:
            self._framed = self._raw[0] <= 2 and self._raw[1:4] == b"\0\0\0"
        if self._framed is None:
            return
        raw, at = self._raw, 0
        if not self._framed:
            self._left = len(raw)
        while at < len(raw):
            if not self._left:
                if len(raw) - at < HEAD:
                    break
                self._output, self._left = raw[at], int.from_bytes(raw[at + 4 : at + HEAD], "big")
                at += HEAD
            content = raw[at : at + self._left]
            at += len(content)
            self._left -= len(content)
            yield from self._cut(self._output, content)
        self._raw = raw[at:]

    def rest(self) -> Iterator[str]:
        """What was left open when the log ended."""
        if self._framed is None and self._raw:
            yield from self._cut(1, self._raw)
        for left in self._open.values():
            if left:
                yield left.decode("utf-8", "replace")
        self._open.clear()

    def _cut(self, output: int, content: bytes) -> Iterator[str]:
        *complete, left = (self._open.get(output, b"") + content).split(b"\n")
        whole = len(left) // LONGEST * LONGEST if len(left) > LONGEST else 0
        complete += [left[at : at + LONGEST] for at in range(0, whole, LONGEST)]
        self._open[output] = left[whole:]
        for line in complete:
            yield line.removesuffix(b"\r").decode("utf-8", "replace")


def log_lines(data: bytes) -> list[str]:
    """All lines of a whole log."""
    frames = Frames()
    return [*frames.lines(data), *frames.rest()]
