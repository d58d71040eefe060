"""One field that differs between what lives and what git asks for."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any


class Absent:
    """Where one side of a difference has nothing: not null, not empty."""

    def __repr__(self) -> str:
        return "(none)"

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Absent)

    def __hash__(self) -> int:
        return hash(Absent)


ABSENT = Absent()


@dataclass(frozen=True)
class Field:
    """One field that differs: its path (`Mode.Replicated.Replicas`), the live value and the desired one.

    `drifted`: somebody else than deployer made the live value what it is.
    """

    path: str
    old: Any
    new: Any
    drifted: bool = field(default=False, compare=False)
