"""Look, apply, wait; for ever. A source and a way to apply in, a cluster that follows out.

What cannot be told is never taken for a change: a remote that is gone for hours, a branch that vanished, a file that does
not validate leave the cluster as it is.
"""

from __future__ import annotations

import random
import threading
import time
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Final, Literal, Protocol

from deployer.errors import DeployerError, InvalidFilesError
from deployer.model.commit import short
from deployer.model.printable import printable

if TYPE_CHECKING:
    from collections.abc import Callable

    from deployer.plan.outcome import Report
    from deployer.watch.pace import Pace
    from deployer.watch.sources import Origin
    from deployer.workflow import validate

LONGEST_WAIT: Final = 60.0
"""Seconds: a clock that was set, or a machine that slept, is noticed after that."""

Why = Literal["changed", "timer"]


class Act(Protocol):
    """Applies; `quiet` on a timer, where nobody wants to read that nothing was to be done."""

    def __call__(self, source: validate.Source, *, quiet: bool) -> Report: ...


@dataclass
class State:
    """What supervisors are told; written by the loop, read by anybody."""

    source: str
    wanted: str = ""
    deployed: str = ""
    """What was applied last with success."""
    error: str = ""
    """Why the source cannot be asked, or the last apply failed; empty while all is well."""
    applying: bool = False
    beat: float = field(default_factory=time.monotonic)
    """When the loop last came round."""


@dataclass
class Watch:
    """One loop. `bell` is rung by the source; `clock` and `chance` are parameters so that a test can have years pass."""

    source: Origin
    act: Act
    say: Callable[[str], None]
    pace: Pace
    state: State
    told: Callable[[State], None] = lambda _state: None
    """Called after every change of the state."""
    clock: Callable[[], float] = time.monotonic
    chance: Callable[[float, float], float] = random.uniform
    bell: threading.Event = field(default_factory=threading.Event)
    wait: Callable[[float], bool] | None = None
    """Waits so many seconds, or until the bell rings; the bell's own way by default."""

    def run(self) -> None:
        """Until a run was stopped by a signal; a signal at any other time is the caller's exception."""
        self.source.start(self.bell.set)
        try:
            while self.turn():
                self.rest()
        finally:
            self.source.stop()

    def turn(self) -> bool:
        """One look, and an apply where one is due. False where a signal ended that."""
        self.state.beat = time.monotonic()
        if (wanted := self._look()) is None:
            # What is there stays; only the timer's applies of what is known go on.
            wanted = self.pace.tried
        going_on = True
        if wanted and self.pace.due(wanted, self.clock()):
            going_on = self._apply(wanted, "changed" if wanted != self.pace.tried else "timer")
        self.told(self.state)
        return going_on

    def rest(self) -> None:
        seconds = self.pace.wake_at() - self.clock()
        # Many watchers of one remote are not to ask it at the same moment.
        seconds = min(max(seconds, 0.0) * self.chance(0.9, 1.1), LONGEST_WAIT)
        if (self.wait or self.bell.wait)(seconds):
            self._settle()

    def _settle(self) -> None:
        """Wait until the bell has been still for a moment; not for ever, where somebody writes all the time."""
        deadline = self.clock() + 10 * self.source.settle
        self.bell.clear()
        while self.source.settle and self.bell.wait(self.source.settle) and self.clock() < deadline:
            self.bell.clear()
        self.pace = replace(self.pace, looked_at=float("-inf"))  # at once

    def _look(self) -> str | None:
        """What is wanted; None where it cannot be told, or was looked at a moment ago."""
        if self.clock() < self.pace.next_look():
            return None
        try:
            wanted = self.source.look()
        except DeployerError as error:
            self.pace = self.pace.unanswered(self.clock())
            self._trouble(error.message, error.help, "what runs stays as it is")
            return None
        if self.pace.silences and self.state.error:
            self.say(f"{self.state.source} answers again")
            self.state.error = "" if not self.pace.failures else self.state.error
        self.pace = self.pace.looked(self.clock())
        self.state.wanted = wanted
        return wanted

    def _apply(self, wanted: str, why: Why) -> bool:
        name = short(wanted)
        if why == "changed":
            self.say(f"{name} is to be deployed")
        self.state.applying = True
        self.told(self.state)
        try:
            report = self.act(self.source.source(wanted), quiet=why == "timer")
        except InvalidFilesError as error:
            self._applied(wanted, f"{name} is not valid: {error.message}")
            return True
        except DeployerError as error:
            self._applied(wanted, error.message, error.help)
            return True
        finally:
            self.state.applying = False
        if report.stopped in {"interrupted", "terminated"}:
            self.say(f"{report.stopped}: the steps that ran were let end")
            return False
        if report.ok and report.plan.steps:
            again = " again: it had drifted, or failed before" if why == "timer" else ""
            self.say(f"{name} is deployed{again}")
        elif report.ok and why == "changed":
            self.say(f"{name} is deployed: nothing was to be done")
        self._applied(wanted, "" if report.ok else f"{name} is not deployed: see above")
        return True

    def _applied(self, wanted: str, error: str, advice: str = "") -> None:
        self.pace = self.pace.applied(wanted, self.clock(), ok=not error)
        if error:
            self._trouble(error, advice, "it is tried again")
        else:
            self.state.error = ""
            self.state.deployed = wanted

    def _trouble(self, error: str, advice: str, then: str) -> None:
        """Said once, however often it comes back the same."""
        if error != self.state.error:
            self.say(printable("; ".join(filter(None, (error, advice, then)))))
        self.state.error = error
