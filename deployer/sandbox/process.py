"""Run a program of this machine: the sandbox's only door to them."""

from __future__ import annotations

import os
import subprocess
from dataclasses import dataclass
from typing import TYPE_CHECKING

from deployer.errors import DeployerError, TimedOutError

if TYPE_CHECKING:
    from collections.abc import Sequence


@dataclass(frozen=True)
class Completed:
    """A command that ended: exit code, and both of its streams in the order in which they were written."""

    returncode: int
    output: str

    def last_lines(self, count: int = 12) -> str:
        return "\n".join(self.output.rstrip().splitlines()[-count:])


def run(argv: Sequence[str], *, seconds: float = 60) -> Completed:
    """Run `argv` without standard input, in the C locale; raises TimedOutError after `seconds`.

    A program that does not exist is exit code 127, as in a shell: callers ask "does this work", not "is this there".
    """
    environment = os.environ | {"LC_ALL": "C", "DEBIAN_FRONTEND": "noninteractive"}
    try:
        done = subprocess.run(
            list(argv),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            env=environment,
            timeout=seconds,
            check=False,
        )
    except FileNotFoundError:
        return Completed(127, f"{argv[0]}: not found")
    except subprocess.TimeoutExpired as error:
        raise TimedOutError(f"{argv[0]} did not end within {seconds:g} s") from error
    return Completed(done.returncode, done.stdout.decode(errors="replace"))


def must(argv: Sequence[str], *, failing: str, seconds: float = 60) -> str:
    """Run `argv` and return its output; raises DeployerError("FAILING", help=its last lines) where it fails."""
    done = run(argv, seconds=seconds)
    if done.returncode != 0:
        raise DeployerError(f"{failing}: {argv[0]} ended with {done.returncode}", help=done.last_lines())
    return done.output
