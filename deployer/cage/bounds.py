"""How much one judgement of other people's files may take, and the watch that ends it there.

The kernel bounds each process (rlimits); the watcher, which judges nothing itself, adds up those of the judge and of all
that it started, and ends them together: a judge that is stuck in C code listens to nobody.
"""

from __future__ import annotations

import contextlib
import os
import re
import resource
import select
import signal
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final, Literal

from deployer.cage.doing import Doings
from deployer.cage.order import NO_CORE

if TYPE_CHECKING:
    from collections.abc import Callable

MAX_SECONDS: Final = "deployer.maxSeconds"
MAX_CPU: Final = "deployer.maxCpuSeconds"
MAX_MEMORY: Final = "deployer.maxMemory"
MIB: Final = 1 << 20
LOOK_SECONDS: Final = 0.2
OUT_OF_MEMORY: Final = 71
"""The exit code of a judge that could get no more (sysexits.h, EX_OSERR)."""
_MEMORY: Final = re.compile(r"^(?:RssAnon|RssShmem|VmSwap):\s+([0-9]+) kB", re.MULTILINE)
_TICKS: Final = os.sysconf("SC_CLK_TCK")

Beyond = Literal["", "seconds", "cpu", "memory", "gone"]


@dataclass(frozen=True)
class Bounds:
    """`seconds` while something is being judged, `cpu` seconds of processor time, `memory` in bytes, of everything together.

    The defaults are several times what 500 stacks take that were never compiled before.
    """

    seconds: float = 900.0
    cpu: float = 900.0
    memory: int = 4096 * MIB


@dataclass(frozen=True)
class Watched:
    """Why it was ended: empty where it ended by itself; `gone` where nobody waits for it any more."""

    beyond: Beyond
    doing: str
    """What it was busy with then."""


def too_much(watched: Watched, bounds: Bounds) -> str:
    """A sentence without its subject: what was too much, and what it was busy with."""
    most = {
        "seconds": f"{bounds.seconds:g} s",
        "cpu": f"{bounds.cpu:g} s of processor time",
        "memory": f"{bounds.memory // MIB} MiB of memory",
    }[watched.beyond]
    return f"takes more than {most} to check" + (f"; it was at {watched.doing}" if watched.doing else "")


def raise_it(watched: Watched) -> str:
    setting = {"seconds": MAX_SECONDS, "cpu": MAX_CPU, "memory": MAX_MEMORY}[watched.beyond]
    return (
        f"if its files are meant to be like that: git config {setting} in the repository, on the machine that deploys"
    )


def bound_myself(bounds: Bounds) -> None:
    """What the kernel itself keeps: of this process, and of each that it starts."""
    for which, value in ((resource.RLIMIT_CPU, int(bounds.cpu)), (resource.RLIMIT_DATA, bounds.memory)):
        hard = resource.getrlimit(which)[1]
        most = value if hard == resource.RLIM_INFINITY else min(value, hard)
        resource.setrlimit(which, (most, hard))
    resource.setrlimit(resource.RLIMIT_CORE, (NO_CORE, NO_CORE))


def watch_over(process: int, bounds: Bounds, doings: int, gone: Callable[[], bool] = lambda: False) -> Watched:
    """Watch a child that leads a process group until it has ended, and end it where it goes beyond its bounds, or where
    `gone` says that nobody waits for it any more.

    It is left to be waited for. `doings` is the end of a pipe from it (doing.py). What is raised here, by a signal to us, ends it too.
    """
    watched, doing = os.pidfd_open(process), Doings()
    try:
        return Watched(_watch(process, bounds, (watched, doings), doing, gone), str(doing))
    finally:
        os.close(watched)
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process, signal.SIGKILL)


def _watch(process: int, bounds: Bounds, told: tuple[int, int], doing: Doings, gone: Callable[[], bool]) -> Beyond:
    """`told` are what tells of its end, and of what it is doing."""
    watched, pipe = told
    poll = select.poll()
    for descriptor in told:
        poll.register(descriptor, select.POLLIN)
    judged, before = 0.0, time.monotonic()
    beyond: Beyond = ""
    while not beyond:
        events = dict(poll.poll(LOOK_SECONDS * 1000))
        now = time.monotonic()
        judged += now - before if doing else 0.0
        before = now
        if events.get(pipe, 0) & select.POLLIN:
            doing.read(os.read(pipe, 1 << 16))
        elif pipe in events:
            poll.unregister(pipe)
        if watched in events:
            return _ended_by_the_kernel(process)
        cpu, memory = usage(process)
        reasons: dict[Beyond, bool] = {
            "gone": gone(),
            "seconds": judged > bounds.seconds,
            "cpu": cpu > bounds.cpu,
            "memory": memory > bounds.memory,
        }
        beyond = next((reason for reason, true in reasons.items() if true), "")
    return beyond


def _ended_by_the_kernel(process: int) -> Beyond:
    """What the kernel's own bound was, where it ended the process; it is not waited for yet."""
    found = os.waitid(os.P_PID, process, os.WEXITED | os.WNOWAIT)
    if found is None:
        return ""
    if found.si_code == os.CLD_EXITED:
        return "memory" if found.si_status == OUT_OF_MEMORY else ""
    by: dict[int, Beyond] = {signal.SIGXCPU: "cpu", signal.SIGKILL: "memory"}  # the latter by the kernel, out of memory
    return by.get(found.si_status, "")


def usage(process: int) -> tuple[float, int]:
    """Seconds of processor time, and bytes of memory, of a process and of all that it started; those that ended count by whom they were waited for."""
    cpu, memory = 0, 0
    left = [process]
    while left:
        one = left.pop()
        try:
            fields = Path(f"/proc/{one}/stat").read_text(errors="replace").rpartition(")")[2].split()
            status = Path(f"/proc/{one}/status").read_text(errors="replace")
            left += _children(one)
        except OSError:
            continue  # it has just ended
        cpu += sum(map(int, fields[11:15]))  # utime, stime, cutime, cstime: proc(5) counts from 1, and from the pid
        memory += sum(int(found[1]) << 10 for found in _MEMORY.finditer(status))
    return cpu / _TICKS, memory


def _children(process: int) -> list[int]:
    """Those whom a process has started, and whom it has taken over."""
    try:
        tasks = list(Path(f"/proc/{process}/task").iterdir())
        return [int(word) for task in tasks for word in (task / "children").read_text().split()]
    except FileNotFoundError:
        return _children_of_all().get(process, [])


def _children_of_all() -> dict[int, list[int]]:
    """The same from every process's own word: for kernels that keep no list (CONFIG_PROC_CHILDREN)."""
    found: dict[int, list[int]] = {}
    for entry in Path("/proc").glob("[0-9]*/stat"):
        with contextlib.suppress(OSError):
            parent = int(entry.read_text(errors="replace").rpartition(")")[2].split()[1])
            found.setdefault(parent, []).append(int(entry.parent.name))
    return found
