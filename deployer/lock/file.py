"""The lock on a file in the repository's git directory: always taken, and first. The kernel takes it from a dead holder."""

from __future__ import annotations

import asyncio
import contextlib
import fcntl
import os
from typing import TYPE_CHECKING, Final

from deployer.lock.holder import Holder, read_holder

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator
    from pathlib import Path

    from deployer.lock.hold import Patience

POLL_SECONDS: Final = 0.2
LONGEST_CONTENT: Final = 16 * 1024
MOST_KILLED: Final = 8
UNWRITTEN: Final = Holder("", "another run", "", "", "", "")
"""One that has the lock and has not written its name into it yet."""


@contextlib.asynccontextmanager
async def file_lock(directory: Path, cluster: str, me: Holder, patience: Patience) -> AsyncIterator[tuple[Holder, ...]]:
    """Hold the lock. Yields the runs that were killed while they held it, the newest first; raises BusyError.

    A run that is killed may leave Consul's lock behind, and so may the one before it: both stand in the file until a run ends in
    good order, a line each.
    """
    with _opened(directory, cluster) as descriptor:
        while not _taken(descriptor):
            patience.held_by(_content(descriptor))
            await asyncio.sleep(min(POLL_SECONDS, max(patience.left, 0)))
        lines = _read(descriptor).splitlines()[:MOST_KILLED]
        killed = tuple(filter(None, map(read_holder, lines)))
        content = b"".join(line + b"\n" for line in (me.encoded(), *lines))
        os.pwrite(descriptor, content, 0)  # first, so that whoever is killed now is not lost
        os.ftruncate(descriptor, len(content))
        try:
            yield killed
        finally:
            os.ftruncate(descriptor, 0)


def live_holder(directory: Path, cluster: str) -> Holder | None:
    """The live process of this machine that holds the lock of this repository; None where there is none."""
    with _opened(directory, cluster) as descriptor:
        return None if _taken(descriptor) else _content(descriptor) or UNWRITTEN


@contextlib.contextmanager
def _opened(directory: Path, cluster: str) -> Iterator[int]:
    directory.mkdir(mode=0o700, parents=True, exist_ok=True)
    descriptor = os.open(directory / f"{cluster}.lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)
    try:
        yield descriptor
    finally:
        os.close(descriptor)


def _taken(descriptor: int) -> bool:
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _content(descriptor: int) -> Holder | None:
    """The holder, where it has written its name already."""
    return read_holder(_read(descriptor).partition(b"\n")[0])


def _read(descriptor: int) -> bytes:
    return os.pread(descriptor, LONGEST_CONTENT, 0)
