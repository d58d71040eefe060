"""What `deployer watch` costs while nothing happens. The cluster is made up (tests/hooks/fake_cluster.py)."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Final

from tests.bench.cases import Sides, case
from tests.bench.figures import IDLE, MEMORY, Sample
from tests.bench.surroundings import CLIENT, repository
from tests.hooks.conftest import PROGRAM
from tests.source.conftest import GOOD
from tests.waiting import wait_until

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from tests.bench.cases import Place
    from tests.e2e.standing import Standing

SECONDS: Final = 10.0
"""How long nothing happens, in each round."""
LOOP: Final = "while :; do git rev-parse main >/dev/null; sleep 1; done"


@case(
    "watch, while nothing happens",
    peer="a shell that asks git for the branch every second",
    claim="bar of the earlier test: 0.5 % of a core and 60 MiB",
    needs=(CLIENT,),
    rounds=3,
    warm_up=False,
)
def _idle(place: Place) -> Iterator[Sides]:
    standing = repository(place, "watch", GOOD)
    home = standing.repo.parent
    (home / "fake").mkdir()
    argv = [sys.executable, "-I", str(PROGRAM), "watch", "--repo", str(standing.repo), "--every", "0"]
    with running(standing, home, argv) as ours, running(standing, standing.repo, ["sh", "-c", LOOP]) as peer:
        wait_until((home / "fake/services.json").exists, "the first deploy", saw=ours.poll)
        time.sleep(1)  # until what comes after the deploy has been written down
        yield Sides(lambda: rest(ours.pid), lambda: rest(peer.pid))


@contextmanager
def running(standing: Standing, folder: Path, argv: Sequence[str]) -> Iterator[subprocess.Popen[bytes]]:
    with subprocess.Popen(
        argv, cwd=folder, env=standing.env, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True
    ) as process:
        try:
            yield process
        finally:
            os.killpg(process.pid, signal.SIGKILL)  # the shell's `sleep`, too


def rest(pid: int) -> Sample:
    """Percent of a core, children that ended included, and the memory of the process itself."""
    before, began = processor_seconds(pid), time.monotonic()
    time.sleep(SECONDS)  # what is measured is that nothing happens
    used = processor_seconds(pid) - before
    return {IDLE: used / (time.monotonic() - began) * 100, MEMORY: memory(pid)}


def processor_seconds(pid: int) -> float:
    fields = Path(f"/proc/{pid}/stat").read_text(encoding="ascii").rpartition(")")[2].split()
    return sum(int(one) for one in fields[11:15]) / os.sysconf("SC_CLK_TCK")


def memory(pid: int) -> float:
    """MiB of the process that are in memory, what it shares included."""
    lines = Path(f"/proc/{pid}/status").read_text(encoding="ascii").splitlines()
    return int(next(line for line in lines if line.startswith("VmRSS")).split()[1]) / 1024
