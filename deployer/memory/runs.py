"""Runs of this machine while they go on: a file each, locked as long as the process lives, in the git directory.

Who holds the lock is alive, whatever a pid may say: the kernel frees it when the process dies.
"""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
import re
import secrets
import signal
import time
from dataclasses import asdict, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from deployer.errors import DeployerError, UsageError
from deployer.model.printable import printable
from deployer.model.run import Process
from deployer.startup import defer_imports

if TYPE_CHECKING:
    from collections.abc import Iterator

    from deployer.memory.asked import Asked

with defer_imports():
    from deployer import source


KEPT: Final = 200
LONGEST: Final = 1_000
"""Characters of a field that are believed."""
SUFFIX: Final = ".run"
_ID: Final = re.compile(r"[0-9]{8}-[0-9]{6}-[0-9a-f]{4}")
INTERRUPTED: Final = 130
BUG: Final = 70


def folder_of(repo: Path) -> Path:
    """Beside the repository's lock."""
    return source.lock_directory(repo) / "runs"


def new_id() -> str:
    """`20260822-141503-7f3a`"""
    return f"{datetime.now(UTC):%Y%m%d-%H%M%S}-{secrets.token_hex(2)}"


class Live:
    """The present process as a run. A file that cannot be written is no reason not to run: then it is not listed."""

    def __init__(self, folder: Path, asked: Asked, who: str, commit: str = "") -> None:
        self._path = folder / f"{asked.run}{SUFFIX}"
        began = datetime.now(UTC).isoformat(timespec="seconds")
        told = (asked.run, asked.via, commit, asked.who or who, asked.reason, began)
        self._now = Process(*told, "waiting", os.getpid(), _start(os.getpid()))
        self._file: int | None = None
        with contextlib.suppress(OSError):
            folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            _prune(folder)
            self._file = os.open(self._path, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
            fcntl.flock(self._file, fcntl.LOCK_EX)
            self._write()

    def running(self, commit: str) -> None:
        """The lock is held, the plan is shown."""
        self._now = replace(self._now, state="running", commit=commit)
        self._write()

    def ended(self, code: int, text: str = "") -> None:
        self._now = replace(self._now, state="ended", code=code, text=text)
        self._write()

    def forget(self) -> None:
        """It did nothing that anybody would look for."""
        with contextlib.suppress(OSError):
            self._path.unlink(missing_ok=True)

    def close(self) -> None:
        if self._file is not None:
            os.close(self._file)
            self._file = None

    def _write(self) -> None:
        """Readers take the first line: it is whole before what stood behind it is cut off."""
        if self._file is None:
            return
        with contextlib.suppress(OSError):
            line = json.dumps(asdict(self._now)).encode() + b"\n"
            os.pwrite(self._file, line, 0)
            os.ftruncate(self._file, len(line))


@contextlib.contextmanager
def register(folder: Path, asked: Asked, who: str, commit: str = "") -> Iterator[Live]:
    """The present process is that run meanwhile; how it ended is said even where it was an exception."""
    live = Live(folder, asked, who, commit)
    try:
        yield live
    except DeployerError as error:
        live.ended(error.exit_code, error.message)
        raise
    except Exception as error:
        live.ended(BUG, f"internal error: {type(error).__name__}")
        raise
    except BaseException:  # KeyboardInterrupt, or the cancellation that an event loop makes of it
        live.ended(INTERRUPTED, "interrupted")
        raise
    finally:
        live.close()


def processes(folder: Path) -> list[Process]:
    """All runs that are known, the newest first."""
    found = (_read(path) for path in folder.glob(f"*{SUFFIX}"))
    return sorted((one for one in found if one), key=lambda one: (one.began, one.run), reverse=True)


def process(folder: Path, run: str) -> Process | None:
    """The run of exactly that name."""
    return _read(folder / f"{run}{SUFFIX}")


def find(folder: Path, name: str) -> Process:
    """The run of that name, of which the beginning or the end is enough; for an empty one the newest that is alive, else the newest."""
    known = processes(folder)
    fitting = [one for one in known if not name or one.run.startswith(name) or one.run.endswith(name)]
    fitting = [one for one in fitting if one.run == name] or fitting
    alive = [one for one in fitting if one.alive]
    if not fitting:
        what = f"there is no run {name[:60]!r} on this machine" if name else "nothing has run from this repository yet"
        raise UsageError(what, help="`deployer runs` lists them")
    if name and len(fitting) > 1:
        raise UsageError(f"several runs are named {name[:60]!r}: {', '.join(one.run for one in fitting[:5])}")
    return (alive or fitting)[0]


def cancel(folder: Path, one: Process) -> None:
    """Interrupt a run: what it does is let end, nothing else begins.

    A shell that starts a job in the background has it ignore SIGINT (POSIX, "Signals and Error Handling"): then it gets SIGTERM.
    DeployerError if it does not run (any more), belongs to somebody else, or ignores both.
    """
    gone = DeployerError(f"run {one.run} does not run: {one.text or one.state}", help="`deployer runs` lists what does")
    if not one.alive:
        raise gone
    try:
        process_ = os.pidfd_open(one.pid)
    except ProcessLookupError:
        raise gone from None
    try:
        now = process(folder, one.run)  # the lock is still held, so the pid is still that process's
        if now is None or not now.alive or now.start != _start(one.pid):
            raise gone
        ignored = _ignored(one.pid)
        heard = [number for number in (signal.SIGINT, signal.SIGTERM) if number not in ignored]
        if not heard:
            raise DeployerError(
                f"run {one.run} was started so that it ignores SIGINT and SIGTERM",
                help=f"`kill -KILL {one.pid}` ends it at once; the next run knows that it is dead, and goes on",
            )
        signal.pidfd_send_signal(process_, heard[0])
    except PermissionError as error:
        raise DeployerError(f"run {one.run} belongs to another user", help="cancel it as that user") from error
    finally:
        os.close(process_)


def follow(folder: Path, one: Process, write: Any, look: float = 0.2) -> Process:
    """Copy a run's log as it grows, until it ends; how it ended. `write` takes bytes."""
    log = folder / f"{one.run}.log"
    with log.open("rb") if one.logged else contextlib.nullcontext() as lines:
        while True:
            now = process(folder, one.run) or replace(one, state="killed")
            if lines is not None and (data := lines.read()):
                write(data)
            if not now.alive:
                return now
            time.sleep(look)


def _read(path: Path) -> Process | None:
    """What is in a file, every field checked: it lies where others may write."""
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NOFOLLOW)
    except OSError:
        return None
    try:
        alive = not _free(descriptor)
        line = os.pread(descriptor, 1 << 16, 0).partition(b"\n")[0]
    except OSError:
        return None
    finally:
        os.close(descriptor)
    return _parse(line, path, alive=alive)


def _free(descriptor: int) -> bool:
    try:
        fcntl.flock(descriptor, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _parse(line: bytes, path: Path, *, alive: bool) -> Process | None:
    from msgspec import ValidationError, json  # noqa: PLC0415 - who writes does without

    try:
        told = json.decode(line, type=Process)
    except (ValidationError, ValueError):
        return None
    if not _ID.fullmatch(told.run) or path.name != f"{told.run}{SUFFIX}" or told.pid < 1:
        return None
    texts = {name: printable(value[:LONGEST]) for name, value in asdict(told).items() if isinstance(value, str)}
    state = told.state if told.state == "ended" or alive else "killed"
    return replace(told, **(texts | {"state": state}), logged=path.with_suffix(".log").exists())  # type: ignore[arg-type] # the names are those of its fields


def _start(pid: int) -> int:
    """When the process was started, in ticks since the machine was (proc(5), stat, field 22); 0 where there is no such process."""
    try:
        text = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8", errors="replace")
        return int(text.rpartition(")")[2].split()[19])
    except (OSError, ValueError, IndexError):
        return 0


def _ignored(pid: int) -> frozenset[int]:
    """The signals that the process ignores (proc(5), status, SigIgn); none if that cannot be read."""
    try:
        text = Path(f"/proc/{pid}/status").read_text(encoding="utf-8", errors="replace")
    except OSError:
        return frozenset()
    found = re.search(r"^SigIgn:\s*([0-9a-f]+)$", text, re.MULTILINE)
    mask = int(found[1], 16) if found else 0
    return frozenset(number for number in range(1, 65) if mask >> (number - 1) & 1)


def _prune(folder: Path) -> None:
    """The oldest runs and their logs beyond the newest 200 go, unless they go on."""
    for old in sorted(folder.glob(f"*{SUFFIX}"))[: -KEPT + 1]:
        known = _read(old)
        if known is None or not known.alive:
            old.unlink(missing_ok=True)
            old.with_suffix(".log").unlink(missing_ok=True)
