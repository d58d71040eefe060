"""A deploy outlives who asked for it: it runs in a session of its own and writes to a log, which the hook only follows.

Whatever happens to the pusher (a closed terminal, Ctrl-C, a connection that stands still) happens to the one that follows.
"""

from __future__ import annotations

import os
import select
import signal
import sys
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from deployer.memory.runs import new_id

if TYPE_CHECKING:
    from pathlib import Path

LOOK_SECONDS: Final = 0.1


@dataclass(frozen=True)
class Run:
    """`20260822-141503-7f3a`, and where it is told of."""

    id: str
    log: Path


def new_run(folder: Path) -> Run:
    """A run with an empty log, for this user's eyes only."""
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    id_ = new_id()
    log = folder / f"{id_}.log"
    os.close(os.open(log, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600))
    return Run(id_, log)


def detach(run: Run) -> int | None:
    """Goes on as two processes. None in the one that works: a session of its own, its output is the log.

    In the other, which only follows: the exit code of the first, once it has one.
    """
    sys.stdout.flush()
    sys.stderr.flush()
    child = os.fork()
    if child:
        return _follow(run.log, child)
    os.setsid()
    signal.signal(signal.SIGHUP, signal.SIG_IGN)
    nothing = os.open(os.devnull, os.O_RDONLY)
    log = os.open(run.log, os.O_WRONLY | os.O_APPEND)
    for target, source in ((0, nothing), (1, log), (2, log)):
        os.dup2(source, target)
    os.close(nothing)
    os.close(log)
    return None


def _follow(log: Path, child: int) -> int:
    """Copies the log to standard error until the child ends; while nobody reads, it waits for the end all the same."""
    watched = os.pidfd_open(child)
    try:
        with log.open("rb") as lines:
            ended = False
            while not ended:
                ended = bool(select.select([watched], [], [], LOOK_SECONDS)[0])
                _copy(lines.read())
    finally:
        os.close(watched)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])


def _copy(data: bytes) -> None:
    while data:
        try:
            data = data[os.write(2, data) :]
        except OSError:  # the pusher has gone; the log has it all
            return
