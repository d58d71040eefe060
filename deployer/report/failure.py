"""A failed command: the line that people read. What programs read is in `failure_document`, which imports more."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from deployer.model.printable import printable
from deployer.report.problems import problems_text

if TYPE_CHECKING:
    from deployer.model.problem import Problem
    from deployer.report.paint import Paint


@dataclass(frozen=True)
class Failure:
    """Why a command came to no result. `causes` are what led to it, outermost first: shown with -v."""

    exit_code: int
    message: str
    help: str = ""
    problems: tuple[Problem, ...] = ()
    causes: tuple[str, ...] = ()


def failure_text(failure: Failure, paint: Paint) -> str:
    """`deployer: message`, what to do, and with -v what led to it; or the problems."""
    if failure.problems:
        return problems_text(failure.problems, paint)
    lines = [f"{paint('deployer:', 'red', 'bold')} {printable(failure.message)}"]
    lines += [f"  = caused by: {printable(cause)}" for cause in failure.causes]
    lines += [f"  = help: {printable(failure.help)}"] if failure.help else []
    return "".join(f"{line}\n" for line in lines)
