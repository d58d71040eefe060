"""A push is judged in a process of its own, which another one watches and may end: by what it takes, or because nobody waits.

What judges may be stuck where no signal is heard (a pattern, a parser in C), so it is not asked: it is killed, and its
threads and children with it.
"""

from __future__ import annotations

import os
import select
import shutil
import signal
import stat
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Final

from deployer.cage import doing, system
from deployer.cage.bounds import bound_myself, raise_it, too_much, watch_over
from deployer.errors import GuardRefusedError
from deployer.user_files import folder_in_memory

if TYPE_CHECKING:
    from deployer.cage.bounds import Bounds

_STANDARD_ERROR: Final = 2
_NOBODY: Final = 141
"""The exit code of a program whose reader has gone (128 + SIGPIPE)."""


def stand_back(bounds: Bounds) -> int | None:
    """Goes on as two processes. None in the one that judges, and is to go on.

    In the other, once the first has ended: its exit code. GuardRefusedError where it went beyond its bounds.
    """
    sys.stdout.flush()
    sys.stderr.flush()
    folder = tempfile.mkdtemp(prefix="deployer-", dir=folder_in_memory())
    told, tell = os.pipe()
    watcher = os.getpid()
    judge = os.fork()
    if judge == 0:
        os.close(told)
        _become_judge(watcher, folder, tell, bounds)
        return None
    os.close(tell)
    try:
        watched = watch_over(judge, bounds, told, _Pusher().gone)
        status = os.waitpid(judge, 0)[1]
    finally:
        os.close(told)
        shutil.rmtree(folder, ignore_errors=True)
    if watched.beyond == "gone":
        return _NOBODY
    if watched.beyond:
        raise GuardRefusedError(f"this push {too_much(watched, bounds)}", help=raise_it(watched))
    code = os.waitstatus_to_exitcode(status)
    return code if code >= 0 else 128 - code


class _Pusher:
    """Who waits for the hook, as far as it can see.

    When the connection ends git says nothing: the thread of git-receive-pack that passes on what we write ends, as soon as it has
    something to pass on (`receive.keepAlive`), and the rest of it goes on waiting for us, with the pipe that nobody reads open.
    """

    def __init__(self) -> None:
        self._git = os.getppid()
        self._reader = select.poll()
        self._reader.register(
            _STANDARD_ERROR, 0
        )  # that nobody reads is an error, which is told without being asked for

    def gone(self) -> bool:
        return os.getppid() != self._git or self._lost_its_reader() or bool(self._reader.poll(0))

    def _lost_its_reader(self) -> bool:
        """Whether git has one thread left, the one that waits, and still holds the end of our pipe that another is to read."""
        process = Path(f"/proc/{self._git}")
        try:
            if len(list((process / "task").iterdir())) != 1:
                return False
            ours = os.fstat(_STANDARD_ERROR)
            return stat.S_ISFIFO(ours.st_mode) and any(_same(fd, ours) for fd in (process / "fd").iterdir())
        except OSError:  # it has ended, or it cannot be told
            return False


def _same(fd: Path, ours: os.stat_result) -> bool:
    try:
        its = fd.stat()
    except OSError:
        return False
    return (its.st_dev, its.st_ino) == (ours.st_dev, ours.st_ino)


def _become_judge(watcher: int, folder: str, tell: int, bounds: Bounds) -> None:
    os.setpgid(0, 0)
    system.die_with_parent(signal.SIGKILL)
    if os.getppid() != watcher:
        os._exit(_NOBODY)
    # What it leaves lying about when it is killed lies in here.
    os.environ["TMPDIR"], tempfile.tempdir = folder, None
    os.environ.pop("XDG_RUNTIME_DIR", None)
    doing.tell(tell)
    bound_myself(bounds)
