"""Runs that were, as the repository remembers them."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Final, Literal

Via = Literal["apply", "push", "rollback", "watch", "scale", "machine", "swarm"]
"""The way that a run was asked for: a command, a push, or `deployer watch`."""
Result = Literal["done", "failed", "interrupted", "terminated", "timed out", "lock lost", "superseded"]
State = Literal["waiting", "running", "ended", "killed"]
"""`waiting`: it reads, or waits for others; `killed`: it ended without a word."""

SUPERSEDED: Final = "superseded"


@dataclass(frozen=True)
class Scope:
    """How much of the repository a run concerns."""

    only: tuple[str, ...] = ()
    """The stacks that it was restricted to; none: the whole repository."""
    stacks: tuple[tuple[str, str], ...] = ()
    """(stack, full id): stacks whose files came from another commit."""
    live: bool = False
    """It applied no commit: machines were maintained, or counts were set by hand."""

    @property
    def whole(self) -> bool:
        """Whether it applied a whole commit."""
        return not self.only and not self.stacks and not self.live


@dataclass(frozen=True)
class Entry:
    """One run that was."""

    cluster: str
    run: str
    """`20260822-141503-7f3a`"""
    via: str
    """A `Via`; anything where somebody else wrote the commit."""
    commit: str
    """The full id of what was applied, or stood in git meanwhile; `worktree` for a trial."""
    result: str
    """A `Result`; anything where somebody else wrote the commit."""
    who: str
    reason: str
    began: str
    """ISO 8601, UTC."""
    seconds: float
    scope: Scope = Scope()
    text: str = ""
    """What became of it, in a few words."""
    id: str = ""
    """Of the commit that keeps it."""
    purpose: str = ""
    """What it did, if it applied no commit: `restart slave, slave2`."""

    @property
    def good(self) -> bool:
        return self.result == "done"

    def stands(self, stack: str) -> str:
        """The commit whose files of that stack it applied; empty where it left the stack alone."""
        concerned = not self.scope.live and (not self.scope.only or stack in self.scope.only)
        return dict(self.scope.stacks).get(stack, self.commit if concerned else "")

    @property
    def when(self) -> datetime | None:
        try:
            return datetime.fromisoformat(self.began)
        except ValueError:
            return None


@dataclass(frozen=True)
class Process:
    """A run that goes on, or went on on this machine: what it says of itself."""

    run: str
    via: str
    commit: str
    """Empty until it is known."""
    who: str
    reason: str
    began: str
    """ISO 8601, UTC."""
    state: State
    pid: int
    start: int
    """When the kernel started the process, in its own count: with the pid it names one process and no other."""
    code: int | None = None
    """The exit code, once it has ended."""
    text: str = ""
    """What became of it, in a few words."""
    logged: bool = False
    """Whether there is a log to follow."""

    @property
    def alive(self) -> bool:
        return self.state in {"waiting", "running"}
