"""Every error that a user can cause, as one tree; each carries its exit code (the table is in docs/reference.md).

    DeployerError              1   the operation failed
    ├── UsageError             2   the command line asks for something that does not exist
    ├── InvalidFilesError      3   the repository's files have problems; carries all of them
    ├── BusyError              4   somebody else holds the lock, or a plan is stale
    ├── GuardRefusedError      5   a guard says no; the message names the flag that says otherwise
    ├── UnreachableError       6   machines could not be reached and nothing was changed
    └── TimedOutError        124   a time-out ended the run

An error carries facts; `cli` turns it into text in one place. Anything else that is raised is a bug (exit code 70).
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, ClassVar

if TYPE_CHECKING:
    from collections.abc import Sequence

    from deployer.model.problem import Problem


class DeployerError(Exception):
    """An expected failure. `message` says what is wrong in one line, `help` what to do about it."""

    exit_code: ClassVar[int] = 1
    log: tuple[str, ...] = ()
    """The last lines that a failing command or task wrote."""

    def __init__(self, message: str, *, help: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.help = help


class UsageError(DeployerError):
    exit_code = 2


class InvalidFilesError(DeployerError):
    exit_code = 3

    def __init__(self, problems: Sequence[Problem]) -> None:
        super().__init__(f"{len(problems)} problems in the repository's files")
        self.problems = tuple(problems)


def refuse_errors(problems: Sequence[Problem], *, strict: bool) -> None:
    """Raises InvalidFilesError with all of them where there is an error; `strict`: where there is any."""
    told = [replace(problem, severity="error") for problem in problems] if strict else list(problems)
    if any(problem.severity == "error" for problem in told):
        raise InvalidFilesError(sorted(told))


class BusyError(DeployerError):
    exit_code = 4


class GuardRefusedError(DeployerError):
    exit_code = 5


class UnreachableError(DeployerError):
    exit_code = 6


class TimedOutError(DeployerError):
    exit_code = 124
