"""`python -m tests.e2e.lanes`: the end-to-end tests in three lanes side by side, each a pytest of its own with machines of its own.

Half of their time is waiting for Swarm and Consul, so three lanes on two cores take less than half as long as one. Which file runs in which lane, and
in which order, stands here: so a file always meets the same cluster.

    python -m tests.e2e.lanes                     all of them
    python -m tests.e2e.lanes -k lock -x          options are pytest's; they go to all lanes
"""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING, Final

from deployer.sandbox.engine import engine_missing_reason
from tests.e2e.costs import FILE, Costs, read_costs, render_costs
from tests.e2e.leftovers import FOLDER, remove_leftovers

if TYPE_CHECKING:
    from collections.abc import Sequence
    from types import FrameType

HERE: Final = Path(__file__).parent
PROJECT: Final = HERE.parents[1]
LANES: Final = (
    ("test_maintenance", "test_lock", "test_drift", "test_tls", "test_watch", "test_reach", "test_prune", "test_compose_mode"),
    (
        "test_cluster", "test_faults", "test_failures", "test_local_and_many", "test_push", "test_machine_commands", "test_effects",
        "test_no_false_differences", "test_sealed", "test_many_stacks", "test_consul",
    ),
    (
        "test_images", "test_registrator", "test_registrator_soak", "test_tutorial", "test_remotes", "test_bare", "test_unable",
        "test_pre_commit", "test_many_machines",
    ),
)  # fmt: skip
"""The first two share a cluster each; the third's files have machines of their own, or none."""
ROOM: Final = 1_000_000_000
"""Bytes that the temporary folder must have free."""
NO_TESTS: Final = 5
"""pytest's exit code where no test was asked for, as with -k."""


class Lane:
    """One pytest and what it says, each line with the lane's number before it."""

    def __init__(self, number: int, files: Sequence[str], options: Sequence[str], folder: Path) -> None:
        self.number = number
        self._costs = folder / f"costs{number}"
        temporary = folder / f"t{number}"
        temporary.mkdir()
        argv = [
            sys.executable, "-m", "pytest", "-m", "e2e", "-v", "--no-header", f"--basetemp={folder / str(number)}", *options,
            *(f"tests/e2e/{name}.py" for name in files),
        ]  # fmt: skip
        self.process = subprocess.Popen(
            argv, cwd=PROJECT, env={**os.environ, FILE: str(self._costs), "TMPDIR": str(temporary)}, text=True,
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, errors="replace",
            start_new_session=True,  # Ctrl-C reaches it through this program, once
        )  # fmt: skip
        self._reader = threading.Thread(target=self._tell)
        self._reader.start()

    def _tell(self) -> None:
        assert self.process.stdout
        for line in self.process.stdout:
            print(f"{self.number} | {line}", end="", flush=True)

    def send(self, number: int) -> None:
        """A signal to pytest and to all that it has started."""
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self.process.pid, number)

    def wait(self) -> int:
        """Its exit code, when all that it said has been told."""
        code = self.process.wait()
        self._reader.join()
        return code

    @property
    def costs(self) -> Costs:
        return read_costs(self._costs)


class Stopping:
    """Ctrl-C and SIGTERM: the lanes take down what they made; asked once more, they are killed, and what they leave is removed."""

    def __init__(self) -> None:
        self.lanes: list[Lane] = []
        self.asked = 0
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, self._stop)

    def _stop(self, _number: int, _frame: FrameType | None) -> None:
        self.asked += 1
        if self.asked == 1:
            print("\nstopping: the machines are taken down first (again: at once)", flush=True)
        for lane in self.lanes:
            lane.send(signal.SIGINT if self.asked == 1 else signal.SIGKILL)


def main(options: Sequence[str]) -> int:
    if reason := reason_against():
        print(f"the real-cluster tests cannot run: {reason}", file=sys.stderr)
        return 1
    for line in remove_leftovers():
        print(f"left by a run that was killed: {line}: removed", flush=True)
    stopping, began = Stopping(), time.monotonic()
    folder = Path(tempfile.mkdtemp(prefix=f"{FOLDER}{os.getpid()}-"))
    try:
        stopping.lanes = [Lane(number, files, options, folder) for number, files in enumerate(LANES, 1)]
        codes = [lane.wait() for lane in stopping.lanes]
        costs = [lane.costs for lane in stopping.lanes]
        for line in remove_leftovers(also=tuple(lane.process.pid for lane in stopping.lanes)):
            print(f"left by a lane: {line}: removed", flush=True)
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    print(f"\n{render_costs(costs)}\n")
    counts = Counter(result for one in costs for result in one.results.values())
    print(f"the real cluster: {(time.monotonic() - began) / 60:.1f} minutes")
    print(f"{counts['passed']} passed, {counts['failed']} failed, {counts['skipped']} skipped", flush=True)
    if stopping.asked:
        return 128 + signal.SIGINT
    return 0 if all(code in {0, NO_TESTS} for code in codes) and counts["passed"] else 1


def reason_against() -> str:
    """Why these tests cannot run here, with what to do about it; "" where they can."""
    if os.geteuid() != 0:
        return "they need root, as they make machines and networks; `make check` does without"
    if reason := engine_missing_reason():
        return f"{reason}; `.venv/bin/deployer sandbox engine` sets Docker up on Debian, `make check` does without it"
    if (free := shutil.disk_usage(tempfile.gettempdir()).free) < ROOM:
        return f"{tempfile.gettempdir()} has {free // 1_000_000} MB free, and {ROOM // 1_000_000} MB are needed; set TMPDIR to another folder"
    return ""


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
