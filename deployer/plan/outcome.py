"""Outcome and report: what became of each step, and the one exit code that follows."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from collections.abc import Mapping

    from deployer.plan.steps import Plan, Step


@dataclass(frozen=True)
class Done:
    seconds: float
    detail: str = ""
    """What is worth knowing, in a few words: `already so`, `3 of 3 running`."""


@dataclass(frozen=True)
class Failed:
    seconds: float
    reason: str
    log: tuple[str, ...] = ()
    """The last lines that the failing command or task wrote."""


@dataclass(frozen=True)
class Skipped:
    """Not tried: a step that it needs did not succeed (`because` is its number), or the run was stopped (0)."""

    because: int


Outcome = Done | Failed | Skipped


@dataclass(frozen=True)
class Report:
    """A run: the plan, and what became of each of its steps (by number)."""

    plan: Plan
    outcomes: Mapping[int, Outcome] = field(default_factory=dict)
    seconds: float = 0.0
    stopped: Literal["", "interrupted", "terminated", "timed out", "lock lost"] = ""
    lock_index: int = 0
    """How often the cluster's lock in Consul had been taken, this run included; 0 where this run did not take it."""
    lost: str = ""
    """Why the lock was lost, where that stopped the run."""

    def outcome(self, step: Step) -> Outcome:
        return self.outcomes.get(step.number, Skipped(0))

    @property
    def ok(self) -> bool:
        return (
            not self.stopped
            and not self.plan.blocked
            and all(isinstance(self.outcome(s), Done) for s in self.plan.steps)
        )

    @property
    def exit_code(self) -> int:
        """6 where nothing was changed because machines could not be reached."""
        if self.stopped:
            return {"interrupted": 130, "terminated": 143, "timed out": 124, "lock lost": 4}[self.stopped]
        if self.ok:
            return 0
        blocked = self.plan.blocked
        return 6 if blocked and all(obstacle.unreachable for obstacle in blocked) and not self.plan.steps else 1


@dataclass(frozen=True)
class Began:
    """An event: a step is being worked on."""

    step: Step


@dataclass(frozen=True)
class Progress:
    """An event: a line of a step's own output, or how far a wait has come."""

    step: Step
    text: str


@dataclass(frozen=True)
class Ended:
    """An event: a step has its outcome."""

    step: Step
    outcome: Outcome


Event = Began | Progress | Ended
