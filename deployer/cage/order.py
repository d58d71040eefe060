"""What a warden is told of a child, as bytes: named lists of texts. Both sides import it, the warden without other packages."""

from __future__ import annotations

import os

Order = dict[str, list[str]]
"""argv, environment (`NAME=value`), folder; run, read, write (paths); sockets (what they are called, a newline, where they are); and one text each of

tcp ("1"), off ("1": limits alone), processes (how many it may start), cpu (seconds), memory, file (bytes), files (open at
once), seconds, output (a file).
"""


def pack(order: Order) -> bytes:
    parts = [part for name, items in order.items() for part in (name, str(len(items)), *items)]
    return b"\0".join(os.fsencode(part) for part in parts)


def unpack(data: bytes) -> Order:
    parts = iter(os.fsdecode(part) for part in data.split(b"\0"))
    return {name: [next(parts) for _ in range(int(next(parts)))] for name in parts}


def number(order: Order, name: str) -> int:
    """0 where nothing is said."""
    return int(order.get(name, ["0"])[0])


NO_CORE = 1
"""Of every process that reads others' files, in bytes: smaller than any core; and a program that takes cores (a pipe in core_pattern) is not
started then, as it is where the limit is 0 (core(5))."""
