"""How one run is measured: a process by what it took in all, a call by the clock."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

from tests.bench.figures import PEAK, PROCESSOR, WALL, Sample

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

LAUNCHER: Final = Path(__file__).with_name("launcher.py")


@dataclass(frozen=True)
class Ran:
    sample: Sample
    """Seconds of wall and of processor, those of its own children included, and the peak of the largest of them in MiB."""
    code: int
    stdout: str
    stderr: str


class UnexpectedExitError(Exception):
    """A side ended with another exit code than it does when it has done its work."""


def run(
    argv: Sequence[str],
    *,
    cwd: Path,
    env: Mapping[str, str],
    codes: tuple[int, ...] = (0,),
    seconds: float = 900,
) -> Ran:
    """The command from start to end. Raises UnexpectedExitError where its exit code is none of `codes`."""
    reading, writing = os.pipe()
    try:
        with os.fdopen(reading) as report:
            try:
                done = subprocess.run(
                    [sys.executable, "-I", "-S", str(LAUNCHER), str(writing), *argv],
                    cwd=cwd, env=dict(env), stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False,
                    timeout=seconds, pass_fds=(writing,),
                )  # fmt: skip
            finally:
                os.close(writing)
            told = report.read().split()
    except subprocess.TimeoutExpired as error:
        raise UnexpectedExitError(f"{' '.join(argv)}: not done after {seconds:g} s") from error
    if len(told) != 4:
        raise UnexpectedExitError(f"{' '.join(argv)}: could not be started: {done.stderr.strip()[-500:]}")
    wall, processor, kibibytes, code = float(told[0]), float(told[1]), int(told[2]), int(told[3])
    if code not in codes:
        said = (done.stdout + done.stderr).strip()[-8000:]
        raise UnexpectedExitError(f"{' '.join(argv)}: exit code {code}: {said}")
    return Ran({WALL: wall, PROCESSOR: processor, PEAK: kibibytes / 1024}, code, done.stdout, done.stderr)


def spend(
    argv: Sequence[str], *, cwd: Path, env: Mapping[str, str], codes: tuple[int, ...] = (0,), seconds: float = 900
) -> Sample:
    """The same, where nobody reads what it printed."""
    return run(argv, cwd=cwd, env=env, codes=codes, seconds=seconds).sample


def spend_all(argvs: Sequence[Sequence[str]], *, cwd: Path, env: Mapping[str, str]) -> Sample:
    """Several commands one after the other: the times add up, and the peak is that of the largest."""
    samples = [spend(argv, cwd=cwd, env=env) for argv in argvs]
    return {
        WALL: sum(one[WALL] for one in samples),
        PROCESSOR: sum(one[PROCESSOR] for one in samples),
        PEAK: max(one[PEAK] for one in samples),
    }


def clock(what: Callable[[], object]) -> Sample:
    """Seconds of the clock that a call takes."""
    began = time.monotonic()
    what()
    return {WALL: time.monotonic() - began}
