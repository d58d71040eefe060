"""What comes out of compiling."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from deployer.model.problem import Problem
    from deployer.model.stack import StackObjects


@dataclass(frozen=True)
class Outcome:
    """One stack: `objects` is None where there are errors among the problems.

    `secret_files` says for each secret with content of which file of the stack it is the content (None: of no file).
    """

    objects: StackObjects | None
    problems: tuple[Problem, ...]
    secret_files: tuple[tuple[str, str | None], ...] = ()


@dataclass(frozen=True)
class Compiled:
    """All stacks: their objects in the order in which the stacks were given, and what to tell the user."""

    objects: tuple[StackObjects, ...]
    warnings: tuple[Problem, ...]
