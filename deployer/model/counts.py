"""Counts of services that somebody asks for by hand, and where they came to stand."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated

from msgspec import Meta

if TYPE_CHECKING:
    from collections.abc import Sequence

Count = Annotated[int, Meta(ge=0)]


@dataclass(frozen=True)
class Wanted:
    """`deployer scale STACK SERVICE=N`; the service is called as in the compose file."""

    stack: str
    service: str
    count: int

    @property
    def name(self) -> str:
        """The service's full name."""
        return f"{self.stack}_{self.service}"


@dataclass(frozen=True)
class Scaled:
    """One service's count in git: what it was, what it is now, and where it stands."""

    name: str
    old: Count
    new: Count
    path: str
    """Relative to the repository's root."""
    line: Count


@dataclass(frozen=True)
class Edited:
    """A file of the repository with something else in it; `old` is None where it is a new one."""

    path: str
    old: bytes | None
    new: bytes


@dataclass(frozen=True)
class Scaling:
    """What `deployer scale` did in git; `commit` is the new commit, or HEAD's where every count was there already."""

    commit: str
    scaled: tuple[Scaled, ...]
    """Those that changed, sorted by name."""
    committed: bool


def scale_message(scaled: Sequence[Scaled]) -> str:
    """The commit's message: `Scale web_api from 3 to 5`; of several what changed stands below."""
    if len(scaled) == 1:
        one = scaled[0]
        return f"Scale {one.name} from {one.old} to {one.new}\n"
    lines = "".join(f"{one.name}: {one.old} -> {one.new}\n" for one in scaled)
    return f"Scale {len(scaled)} services\n\n{lines}"
