"""One line a thing, on standard error, with Go's time stamp as before; what concerns a container's settings once."""

from __future__ import annotations

import sys
import threading
import time
from typing import TYPE_CHECKING

from deployer.model.printable import printable

if TYPE_CHECKING:
    from collections.abc import Callable


def say(line: str) -> None:
    """Write a line. Control characters in it are escaped: names and messages come from elsewhere."""
    sys.stderr.write(f"{time.strftime('%Y/%m/%d %H:%M:%S')} {printable(line)}\n")
    sys.stderr.flush()


class Once:
    """Says each line about a subject once, until the subject is forgotten."""

    def __init__(self, say: Callable[[str], None]) -> None:
        self._say = say
        self._lock = threading.Lock()
        self._said: dict[str, set[str]] = {}

    def __call__(self, subject: str, line: str) -> None:
        with self._lock:
            lines = self._said.setdefault(subject, set())
            if line in lines:
                return
            lines.add(line)
        self._say(line)

    def forget(self, subject: str) -> None:
        with self._lock:
            self._said.pop(subject, None)
