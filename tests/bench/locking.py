"""The lock on a file: how soon a run that waits has it."""

from __future__ import annotations

import asyncio
import subprocess
import sys
import time
from typing import TYPE_CHECKING, Final

from deployer.lock.file import file_lock
from deployer.lock.hold import Patience
from deployer.lock.holder import this_run
from deployer.memory.runs import new_id
from tests.bench.cases import Sides, case
from tests.bench.figures import Measure
from tests.waiting import wait_until

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.bench.cases import Place

HANDED_OVER: Final = Measure("from let go to had", "s")
COMMIT: Final = "1a2b3c4d5e" + "0" * 30
HOLD: Final = """
import fcntl, os, sys, time
descriptor = os.open(sys.argv[1], os.O_RDWR | os.O_CREAT)
fcntl.flock(descriptor, fcntl.LOCK_EX)
print(flush=True)
sys.stdin.readline()
print(time.clock_gettime(time.CLOCK_MONOTONIC), flush=True)
"""
"""Holds a file until it is told to end, and says when that was."""


@case("a lock on a file handed over to a run that waits", peer="flock(1) that waits for the same file",
      claim="bar of the earlier test: 4 s")  # fmt: skip
def _handed_over(place: Place) -> Iterator[Sides]:
    folder = place.new_folder("lock")
    yield Sides(lambda: {HANDED_OVER: ours(folder)}, lambda: {HANDED_OVER: by_flock(folder)})


def ours(folder: Path) -> float:
    async def scenario() -> float:
        waits = asyncio.Event()
        let_go: list[float] = []

        async def first() -> None:
            async with file_lock(folder, "test", this_run(COMMIT, new_id()), Patience("test", 0, print)):
                holds.set()
                await waits.wait()
                let_go.append(time.monotonic())

        holds = asyncio.Event()
        task = asyncio.create_task(first())
        await holds.wait()
        patience = Patience("test", 60, lambda _line: waits.set())
        async with file_lock(folder, "test", this_run(COMMIT, new_id()), patience):
            had = time.monotonic()
        await task
        return had - let_go[0]

    return asyncio.run(scenario())


def by_flock(folder: Path) -> float:
    file = folder / "flock"
    holder = [sys.executable, "-I", "-S", "-c", HOLD, str(file)]
    with subprocess.Popen(holder, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as held:
        assert held.stdin
        assert held.stdout
        held.stdout.readline()
        with subprocess.Popen(["flock", str(file), "true"]) as waiting:
            wait_until(lambda: asleep(waiting.pid), "flock(1) to wait")
            held.stdin.write("\n")
            held.stdin.close()
            let_go = float(held.stdout.readline())
            waiting.wait()
            return time.monotonic() - let_go


def asleep(pid: int) -> bool:
    """Whether a process waits for a lock, by the system's list of those."""
    with open("/proc/locks", encoding="ascii") as locks:  # noqa: PTH123 - the kernel's, no file of a project
        return any("->" in line and f" {pid} " in line for line in locks)
