"""Step and plan: what will be done, in which order, and why."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from deployer.diff.cause import Cause
    from deployer.diff.change import Blocked, Drifted, Kept, Warned
    from deployer.diff.effect import Effect
    from deployer.model.field import Field
    from deployer.plan.operations import Operation

Mark = Literal["+", "~", "-", "-/+", "."]
"""+ makes something, ~ changes something, - removes it, -/+ puts another in its place, . waits."""


@dataclass(frozen=True)
class Step:
    """One operation with its cause.

    `needs` are numbers of steps that must have succeeded, `follows` of steps that must have ended, however they did:
    a machine that fails to join holds nothing up. Of `any_of`, one at least must have succeeded. Where there are `rescues`, it is
    done only if one of them failed.
    """

    number: int
    operation: Operation
    cause: Cause | None
    """None for waits: they follow from the other steps."""
    fields: tuple[Field, ...] = ()
    needs: tuple[int, ...] = ()
    follows: tuple[int, ...] = ()
    effect: Effect | None = None
    """What an update of a service does to its tasks."""
    any_of: tuple[int, ...] = ()
    rescues: tuple[int, ...] = ()


@dataclass(frozen=True)
class Plan:
    """Everything that a run will do. The executor gets exactly the value that was shown."""

    cluster: str
    commit: str
    steps: tuple[Step, ...]
    blocked: tuple[Blocked, ...] = ()
    """Wanted, and not possible now; a run with any of these does not end with 0."""
    unchanged: int = 0
    manager: str = ""
    """The machine whose engine speaks for the swarm; empty where there is none to be had."""
    drifted: tuple[Drifted, ...] = ()
    """What somebody changed by hand, and this run leaves."""
    only: tuple[str, ...] = ()
    """The stacks that it is restricted to; none: everything."""

    purpose: str = ""
    """What was asked for, where it is not that everything be as git says: `restart slave, slave2`."""
    refused: tuple[Blocked, ...] = ()
    """Guards that say no: with any of these, nothing of the plan is done."""
    kept: tuple[Kept, ...] = ()
    """What git does not have any more, and what stays all the same."""
    warned: tuple[Warned, ...] = ()
    """What is done as git says, and will not do well."""

    @property
    def empty(self) -> bool:
        return not self.steps and not self.blocked
