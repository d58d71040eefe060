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
LONGEST_CONTENT: Final = 4096
UNWRITTEN: Final = Holder("", "another run", "", "", "", "")
"""One that has the lock and has not written its name into it yet."""


@contextlib.asynccontextmanager
async def file_lock(directory: Path, cluster: str, me: Holder, patience: Patience) -> AsyncIterator[Holder | None]:
    """Hold the lock. Gives the run that was killed while it held it last, if one was; raises BusyError."""
    with _opened(directory, cluster) as descriptor:
        while not _taken(descriptor):
            patience.held_by(_content(descriptor))
            await asyncio.sleep(min(POLL_SECONDS, max(patience.left, 0)))
        killed = _content(descriptor)
        os.ftruncate(descriptor, 0)
        os.pwrite(descriptor, me.encoded(), 0)
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
    return read_holder(os.pread(descriptor, LONGEST_CONTENT, 0))
