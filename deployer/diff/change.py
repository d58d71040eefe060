"""What a comparison finds: changes, what cannot be done, what is left as it is, and what will not do well."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from deployer.diff.changes import Change
    from deployer.model.field import Field


@dataclass(frozen=True)
class Blocked:
    """What git asks for and cannot be done: `subject` is the machine or object, `reason` is one line, `help` says what to do.

    `unreachable`: only because a machine did not answer, which has an exit code of its own. `at` is where it stands in the compose
    file of `stack`, where it stands in one; `place` is that as `path:line:column`.
    """

    subject: str
    reason: str
    help: str = ""
    unreachable: bool = False
    stack: str = ""
    at: tuple[str | int, ...] = ()
    place: str = ""

    @property
    def told(self) -> str:
        """In one line, its place first."""
        return ": ".join(part for part in (self.place, self.subject, self.reason) if part)


@dataclass(frozen=True)
class Drifted:
    """What somebody changed by hand on a service, and is left as it is (`drift: report`)."""

    stack: str
    name: str
    fields: tuple[Field, ...]


@dataclass(frozen=True)
class Kept:
    """An object that git does not have any more, and that is not removed: `reason` says why, in one line."""

    subject: str
    reason: str


@dataclass(frozen=True)
class Warned:
    """What is done as git says, and will cause trouble: `reason` is one line, `help` says what to write instead."""

    subject: str
    reason: str
    help: str


@dataclass(frozen=True)
class Diff:
    """The result of a comparison. `unchanged` counts the objects that are as git says; `drifted` is left as it is."""

    changes: tuple[Change, ...]
    blocked: tuple[Blocked, ...] = ()
    unchanged: int = 0
    drifted: tuple[Drifted, ...] = ()
    kept: tuple[Kept, ...] = ()
    warned: tuple[Warned, ...] = ()
