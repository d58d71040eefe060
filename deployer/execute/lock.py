"""One run at a time a cluster: a lock on a file in the repository's git directory; the kernel takes it from a dead holder."""

from __future__ import annotations

import contextlib
import fcntl
import getpass
import json
import os
import socket
import time
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Final

from deployer.errors import BusyError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

POLL_SECONDS: Final = 0.2


@contextlib.contextmanager
def locked(directory: Path, cluster: str, commit: str, *, wait: float, say: Callable[[str], None]) -> Iterator[None]:
    """Hold the cluster's lock. Waits up to `wait` seconds; raises BusyError that names the holder, or TimedOutError never.

    The lock only saves work: what makes concurrent runs correct is the version that every write carries (FAULTS.md B1).
    """
    directory.mkdir(mode=0o700, parents=True, exist_ok=True)
    descriptor = os.open(directory / f"{cluster}.lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)
    try:
        _acquire(descriptor, cluster, wait, say)
        os.ftruncate(descriptor, 0)
        os.pwrite(descriptor, json.dumps(_holder(commit)).encode(), 0)
        yield
        os.ftruncate(descriptor, 0)
    finally:
        os.close(descriptor)


def _acquire(descriptor: int, cluster: str, wait: float, say: Callable[[str], None]) -> None:
    deadline = time.monotonic() + wait
    said = False
    while True:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            holder = _describe(os.pread(descriptor, 4096, 0))
            if time.monotonic() >= deadline:
                raise BusyError(
                    f"cluster {cluster} is being applied by {holder}", help="wait for it: --lock-wait 5m"
                ) from None
            if not said:
                say(f"waiting for {holder}")
                said = True
            time.sleep(POLL_SECONDS)
        else:
            return


def _holder(commit: str) -> dict[str, str]:
    try:
        user = getpass.getuser()
    except (KeyError, OSError):
        user = str(os.getuid())
    return {
        "who": f"{user}@{socket.gethostname()}",
        "pid": str(os.getpid()),
        "commit": commit[:10],
        "since": datetime.now(UTC).isoformat(timespec="seconds"),
    }


def _describe(data: bytes) -> str:
    try:
        told = json.loads(data)
        return f"{told['who']} (process {told['pid']}, commit {told['commit']}, since {told['since']})"
    except (ValueError, KeyError, TypeError):
        return "another run"
