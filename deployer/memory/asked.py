"""Who asked for a run, by which way, and why: what the memory keeps beside the run itself."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from deployer.model.run import Via


@dataclass(frozen=True)
class Move:
    """A ref that moves with the run: to `new` where the run succeeds, in the same step as the memory, else not at all."""

    ref: str
    new: str
    old: str
    """Empty: it is not there yet."""


@dataclass(frozen=True)
class Asked:
    """`run` is the run's own name where it has one already; `who` is empty for the user of this process."""

    via: Via = "apply"
    who: str = ""
    reason: str = ""
    run: str = ""
    move: Move | None = None
