"""One line a thing, on standard error, with Go's time stamp as before; what concerns a container's settings once."""

from __future__ import annotations

import sys
import threading
import time
from typing import TYPE_CHECKING, Final

from deployer.model.printable import printable

if TYPE_CHECKING:
    from collections.abc import Callable


LONGEST: Final = 1000
"""Characters of a line."""
LINES: Final = 200
"""What is said about one subject; a container that changes all the time has no more to say."""
SUBJECTS: Final = 20_000


def say(line: str) -> None:
    """Write a line. Control characters in it are escaped, and it is cut: names and messages come from elsewhere."""
    text = printable(line[:LONGEST]) + ("..." if len(line) > LONGEST else "")
    sys.stderr.write(f"{time.strftime('%Y/%m/%d %H:%M:%S')} {text}\n")
    sys.stderr.flush()


class Once:
    """Says each line about a subject once, until the subject is forgotten."""

    def __init__(self, say: Callable[[str], None]) -> None:
        self._say = say
        self._lock = threading.Lock()
        self._said: dict[str, set[str]] = {}

    def __call__(self, subject: str, line: str) -> None:
        with self._lock:
            if subject not in self._said and len(self._said) >= SUBJECTS:
                self._said.clear()
            lines = self._said.setdefault(subject, set())
            if line in lines or len(lines) >= LINES:
                return
            lines.add(line)
        self._say(line)

    def forget(self, subject: str) -> None:
        with self._lock:
            self._said.pop(subject, None)
