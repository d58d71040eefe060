"""A run that is told to end: once, twice, by Ctrl-C, by a supervisor, by a terminal that goes away."""

from __future__ import annotations

import contextlib
import signal
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from deployer.plan.outcome import Began, Done, Ended, Skipped
from tests.execute.plans import create, plan, play
from tests.fakes import FakeConnection
from tests.waiting import GENEROUS

if TYPE_CHECKING:
    from collections.abc import Iterator

    from deployer.plan.outcome import Event

ROOT = Path(__file__).parents[2]


class Running:
    """The process of interrupted.py; `until` reads its lines up to the one that begins so."""

    def __init__(self, mark: Path, *before: str) -> None:
        self.mark = mark
        argv = [*before, sys.executable, "-m", "tests.execute.interrupted", str(mark)]
        self.process = subprocess.Popen(argv, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        self.said: list[str] = []

    def until(self, beginning: str) -> None:
        assert self.process.stdout
        for line in self.process.stdout:
            self.said.append(line.rstrip("\n"))
            if line.startswith(beginning):
                return
        pytest.fail(f"it ended without {beginning!r}: {self.said} {self.process.communicate()[1]}")

    def send(self, number: int) -> None:
        self.process.send_signal(number)

    def end(self) -> int:
        out, err = self.process.communicate(timeout=GENEROUS)
        self.said += out.splitlines()
        assert err == ""
        return self.process.returncode


@contextlib.contextmanager
def running(tmp_path: Path, *before: str) -> Iterator[Running]:
    run = Running(tmp_path / "mark", *before)
    try:
        run.until("Began 1")
        yield run
    finally:
        if run.process.poll() is None:
            run.process.kill()
            run.process.communicate()


@pytest.mark.parametrize(
    ("number", "word", "code"),
    [(signal.SIGINT, "interrupted", 130), (signal.SIGTERM, "terminated", 143), (signal.SIGHUP, "terminated", 143)],
)
def test_a_first_signal_lets_what_runs_end_and_begins_nothing_else(
    tmp_path: Path, number: int, word: str, code: int
) -> None:
    with running(tmp_path) as run:
        run.send(number)
        run.until(f"{word}: what runs is let end")
        run.mark.touch()
        assert run.end() == code
    assert "Began 2" not in run.said
    assert run.said[2:4] == ["Ended 1", "Ended 2"]
    assert run.said[4].startswith("1 Done(")
    assert run.said[5:] == ["2 Skipped(because=0)", f"stopped {word}"]


@pytest.mark.parametrize(
    ("first", "second", "code"),
    [(signal.SIGINT, signal.SIGINT, 130), (signal.SIGTERM, signal.SIGINT, 143), (signal.SIGINT, signal.SIGTERM, 130)],
)
def test_a_second_signal_leaves_what_runs_and_says_so(tmp_path: Path, first: int, second: int, code: int) -> None:
    with running(tmp_path) as run:
        run.send(first)
        run.until("interrupted" if first == signal.SIGINT else "terminated")
        run.send(second)
        assert run.end() == code
    assert any(line.startswith("1 Failed(") and "how far it came is not known" in line for line in run.said)
    assert "Began 2" not in run.said
    assert not run.mark.exists()


def test_a_run_under_nohup_goes_on_when_the_terminal_goes_away(tmp_path: Path) -> None:
    with running(tmp_path, "env", "--ignore-signal=HUP") as run:
        run.send(signal.SIGHUP)
        run.mark.touch()
        assert run.end() == 0
    assert run.said[-1] == "stopped "


def test_no_signal_no_trace(tmp_path: Path) -> None:
    with running(tmp_path) as run:
        run.mark.touch()
        assert run.end() == 0
    assert run.said[:4] == ["Began 1", "Ended 1", "Began 2", "Ended 2"]


def test_writes_that_wait_for_their_turn_do_not_begin_after_a_signal() -> None:
    """Twelve services, four at a time: the signal comes while the first four are being written."""
    connection = FakeConnection({"POST /services/create": (201, {"ID": "x"})})
    begun: list[int] = []
    before = signal.getsignal(signal.SIGINT)

    def listen(event: Event) -> None:
        if isinstance(event, Began):
            begun.append(event.step.number)
            if len(begun) == 4:
                signal.raise_signal(signal.SIGINT)
        if isinstance(event, Ended) and isinstance(event.outcome, Skipped):
            assert event.outcome == Skipped(0)

    report = play(plan(*(create(f"web_{number}") for number in range(12))), {"m1": connection}, listen)
    assert report.stopped == "interrupted"
    done = [number for number, outcome in report.outcomes.items() if isinstance(outcome, Done)]
    assert 4 <= len(done) < 12
    assert done == begun
    assert connection.lines == ["POST /services/create"] * len(done)
    assert signal.getsignal(signal.SIGINT) == before
