"""What this process is doing at the moment, for whoever watches over it and may have to end it (bounds.py).

Without a watcher it costs nothing.
"""

from __future__ import annotations

import itertools
import os
from contextlib import contextmanager
from typing import TYPE_CHECKING, Final

from deployer.model.printable import printable

if TYPE_CHECKING:
    from collections.abc import Iterator

LONGEST: Final = 200
_watcher: Final[list[int]] = []
_numbers: Final = itertools.count(1)


def tell(descriptor: int) -> None:
    """From now on the watcher reads at the other end of this pipe."""
    _watcher[:] = [descriptor]


@contextmanager
def doing(what: str) -> Iterator[None]:
    """While it is open, `what` (a file, a stack) is what this process is busy with. Threads may each do something."""
    if not _watcher:
        yield
        return
    number = next(_numbers)
    os.write(_watcher[0], f"{number} {printable(what)[:LONGEST]}\n".encode())
    try:
        yield
    except MemoryError:  # the end: what it was at is what matters then
        raise
    except BaseException:
        _end(number)
        raise
    _end(number)


def _end(number: int) -> None:
    os.write(_watcher[0], f"{number}\n".encode())


class Doings:
    """The watcher's side: what was begun and has not ended."""

    def __init__(self) -> None:
        self._open: dict[str, str] = {}
        self._rest = b""

    def read(self, data: bytes) -> None:
        *lines, self._rest = (self._rest + data).split(b"\n")
        for line in lines:
            number, space, what = line.decode(errors="replace").partition(" ")
            if space:
                self._open[number] = what
            else:
                self._open.pop(number, None)

    def __bool__(self) -> bool:
        return bool(self._open)

    def __str__(self) -> str:
        """What was begun within the first; a few of them where several go on at once. The first alone where there is nothing else."""
        words = list(self._open.values())
        return ", ".join(words[1:4] or words)
