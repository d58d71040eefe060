"""When to look and when to apply next. Pure: the clock, and what chance says, come from outside."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Final, Self

RETRY_SECONDS: Final = 30.0
"""After a first failure; each further one doubles it."""
LONGEST_BACK_OFF: Final = 600.0


@dataclass(frozen=True)
class Pace:
    """`interval`: seconds between two looks at the source; `every`: between two applies of the same commit, 0 for none.

    A commit is applied once; what failed is tried again after half a minute, a minute, two, ... and never less often
    than `every` says. A source that cannot be asked is asked less and less often, down to every ten minutes.
    """

    interval: float
    every: float
    tried: str = ""
    """What was applied last, with success or without; empty at the start."""
    tried_at: float = 0.0
    looked_at: float = float("-inf")
    failures: int = 0
    """Of applying `tried`, one after the other."""
    silences: int = 0
    """Of asking the source, one after the other."""

    def looked(self, now: float) -> Self:
        return replace(self, looked_at=now, silences=0)

    def unanswered(self, now: float) -> Self:
        return replace(self, looked_at=now, silences=self.silences + 1)

    def applied(self, wanted: str, now: float, *, ok: bool) -> Self:
        before = self.failures if wanted == self.tried else 0
        return replace(self, tried=wanted, tried_at=now, failures=0 if ok else before + 1)

    def due(self, wanted: str, now: float) -> bool:
        """Whether `wanted` is to be applied now."""
        return wanted != self.tried or now >= self._again_at()

    def next_look(self) -> float:
        """The time of the next look at the source, if nothing rings before."""
        wait = self.interval * float(1 << min(self.silences, 10))
        return self.looked_at + min(wait, max(LONGEST_BACK_OFF, self.interval))

    def wake_at(self) -> float:
        """The time at which there may be something to do."""
        return min(self.next_look(), self._again_at()) if self.tried else self.next_look()

    def _again_at(self) -> float:
        if self.failures:
            wait = min(RETRY_SECONDS * float(1 << min(self.failures - 1, 10)), LONGEST_BACK_OFF)
            return self.tried_at + (min(wait, self.every) if self.every else wait)
        return self.tried_at + self.every if self.every else float("inf")
