"""One form in, what became of its rounds out: each pytest is a process that is ended in time, and whose words are kept."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import threading
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final, Literal

from tests.soak.rounds import MARK, SEED, UNTIL

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from tests.soak.forms import Form

PROJECT: Final = Path(__file__).parents[2]
TAKES_DOWN: Final = 60.0
"""Seconds that a form on the real cluster is given for taking down what it made."""
CORES: Final = len(os.sched_getaffinity(0))
BAD: Final = ("FAILED ", "ERROR ")
"""What the lines of pytest's summary begin with. Its exit code does not tell: Ctrl-C in its last moments makes it 1 as well."""

State = Literal["passed", "failed", "cut", "not run"]


@dataclass(frozen=True)
class Played:
    """`seeds` are those of the rounds that were begun, the last one included; `cut` means that its time was up in the middle."""

    form: str
    state: State
    seeds: tuple[int, ...]
    seconds: float
    log: Path | None = None
    """What it said, where it failed."""
    reason: str = ""


class Player:
    """Plays forms, one process at a time; `stop` ends the one that runs, as Ctrl-C does."""

    def __init__(self, kept: Path, say: Callable[[str], object], workers: int = CORES) -> None:
        self._kept = kept
        self._say = say
        self._workers = workers
        self._process: subprocess.Popen[str] | None = None
        self.stopped = False

    def play(self, form: Form, seed: int, seconds: float, *, once: bool) -> Played:
        """Rounds with this seed and those after it, for at most `seconds`; `once` is one round."""
        began = time.monotonic()
        if form.real:
            played = self._play_real(form, seed, seconds, once=once)
        else:
            played = self._play_rounds(form, seed, seconds, once=once)
        return Played(form.name, played.state, played.seeds, time.monotonic() - began, played.log)

    def stop(self, number: int = signal.SIGINT) -> None:
        self.stopped = True
        if self._process:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(self._process.pid, number)

    # --- hypothesis: a process a round --------------------------------------------------------------------------------

    def _play_rounds(self, form: Form, seed: int, seconds: float, *, once: bool) -> Played:
        end, longest, begun = time.monotonic() + seconds, 0.0, []
        while True:
            began = time.monotonic()
            begun.append(seed)
            self._say(f"{form.name}: seed {seed}")
            argv = [
                "-m", "hypothesis or seeded", "-n", str(self._workers), "--hypothesis-profile=soak", f"--hypothesis-seed={seed}", *form.tests
            ]  # fmt: skip
            state, log = self._run(form, argv, {"DEPLOYER_SEED": str(seed)}, end, lambda _line: None, lambda: begun[-1])
            longest = max(longest, time.monotonic() - began)
            if state != "passed" or once or self.stopped or time.monotonic() + longest > end:
                return Played(form.name, state, tuple(begun), 0, log)
            seed += 1

    # --- the real cluster: one process, whose rounds are told by what it prints ---------------------------------------

    def _play_real(self, form: Form, seed: int, seconds: float, *, once: bool) -> Played:
        end, begun = time.monotonic() + seconds, []

        def hear(line: str) -> None:
            if line.startswith(MARK):
                begun.append(int(line.removeprefix(MARK)))
                self._say(f"{form.name}: seed {begun[-1]}")

        environment = {SEED: str(seed)} | ({} if once else {UNTIL: str(time.time() + seconds - TAKES_DOWN)})
        argv = ["-m", "e2e", "-s", *form.tests]
        state, log = self._run(form, argv, environment, end - TAKES_DOWN, hear, lambda: begun[-1] if begun else seed)
        return Played(form.name, state, tuple(begun), 0, log)

    # --- a process ----------------------------------------------------------------------------------------------------

    def _run(
        self,
        form: Form,
        argv: Sequence[str],
        environment: dict[str, str],
        end: float,
        hear: Callable[[str], None],
        seed: Callable[[], int],
    ) -> tuple[State, Path | None]:
        """How it ended; where it failed, the file with all that it said. At `end` it is interrupted, and takes down what it made."""
        said: list[str] = []
        settings = ["-c", str(PROJECT / "pyproject.toml"), "--rootdir", str(PROJECT)]
        command = [sys.executable, "-m", "pytest", *settings, "-q", "--no-header", *argv]
        with subprocess.Popen(
            command, cwd=PROJECT, env={**os.environ, **environment}, text=True, errors="replace", stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT, start_new_session=True,
        ) as process, self._ended_at(process, end) as was_cut:  # fmt: skip
            self._process = process
            assert process.stdout
            for line in process.stdout:
                said.append(line)
                hear(line)
            code = process.wait()
            self._process = None
        if code == 0:
            return "passed", None
        if (was_cut() or self.stopped) and not any(line.startswith(BAD) for line in said):
            return "cut", None
        log = self._kept / f"{form.name}-{seed()}.log"
        log.parent.mkdir(exist_ok=True)
        log.write_text(f"{' '.join(command)}\n{''.join(said)}", "utf-8")
        return "failed", log

    @contextlib.contextmanager
    def _ended_at(self, process: subprocess.Popen[str], end: float) -> Iterator[Callable[[], bool]]:
        cut: list[bool] = []

        def interrupt() -> None:
            cut.append(True)
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGINT)

        timer = threading.Timer(max(0.0, end - time.monotonic()), interrupt)
        timer.start()
        try:
            yield lambda: bool(cut)
        finally:
            timer.cancel()
