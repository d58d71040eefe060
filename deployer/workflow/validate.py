"""Read a commit and compile its stacks. No machine is asked, and nothing of `deployer.remote` is imported: a commit hook is quick."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from deployer.cage.switch import switched_off_by
from deployer.compose import compile_stacks, problems_together
from deployer.errors import refuse_errors
from deployer.model.allowed import EVERYTHING, Allowed
from deployer.source import described, read_all, uncaged
from deployer.startup import defer_imports

if TYPE_CHECKING:
    from pathlib import Path

    from deployer.model.desired import Desired
    from deployer.model.problem import Problem
    from deployer.model.stack import StackObjects
    from deployer.source import Files

with defer_imports():
    from deployer.plan import only as plan_only


Say = Callable[[str], None]
"""Takes one plain line of progress."""


@dataclass(frozen=True)
class Source:
    """Where the desired state is read from: a commit of a repository, what is staged in it, or its working tree for trials."""

    repo: Path
    rev: str = "HEAD"
    worktree: bool = False
    staged: bool = False
    only: tuple[str, ...] = ()
    """Stacks that plan and apply are restricted to; none: everything."""
    stacks: tuple[tuple[str, str], ...] = ()
    """(stack, revision): stacks whose files come from another commit."""
    strict: bool = False
    """Warnings are errors."""
    allowed: Allowed = EVERYTHING
    """What the files may name on this machine: everything in an operator's own run, little in what others push."""


@dataclass(frozen=True)
class Validated:
    """A repository without errors: its desired state, and what its stacks compile to."""

    desired: Desired
    objects: tuple[StackObjects, ...]
    warnings: tuple[Problem, ...]
    source: Source


def read_files(source: Source) -> Files:
    """Return every file that is to be validated. Raises UsageError if there is no repository, or no such commit."""
    switched_off_by(lambda: uncaged(source.repo))  # asked where a program is to read them, and not before
    return read_all(source.repo, rev=source.rev, worktree=source.worktree, staged=source.staged, stacks=source.stacks)


def validate(source: Source, say: Say, files: Files | None = None) -> Validated:
    """Read and compile everything, or only `files`. Raises InvalidFilesError with every problem."""
    desired = described(files or read_files(source), keep=True, allowed=source.allowed)
    if source.only:
        plan_only.unknown_stacks(source.only, desired)
    compiled = compile_stacks(desired.stacks, say)
    found = (*desired.warnings, *compiled.warnings, *problems_together(desired, compiled.objects))
    refuse_errors(found, strict=source.strict or desired.cluster.policy.strict)
    return Validated(desired, compiled.objects, found, source)
