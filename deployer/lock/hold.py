"""A lock that a run holds, and how long it waits for one: the same for a file's lock and for Consul's."""

from __future__ import annotations

import asyncio
import math
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from deployer.errors import BusyError

if TYPE_CHECKING:
    from collections.abc import Callable

    from deployer.lock.holder import Holder

SAY_AGAIN_SECONDS: Final = 30.0
BARRED_SECONDS: Final = 15.0
"""Consul's own lock-delay; ours is shorter."""
_CLOCK: Final = getattr(time, "CLOCK_BOOTTIME", time.CLOCK_MONOTONIC)
"""Goes on while the machine sleeps, where there is such a clock: a lock does not last through the night on a laptop."""


def clock() -> float:
    return time.clock_gettime(_CLOCK)


class Held:
    """A lock that this run holds. One that has to be renewed may be lost: `lost` says why it is, `gone` is set then."""

    def __init__(
        self, index: int = 0, fresh_until: float = math.inf, *, read_clock: Callable[[], float] = clock
    ) -> None:
        self.index = index
        """Consul's LockIndex: how often the lock has been taken, this time included; 0 for a file's lock."""
        self.lost = ""
        self.gone = asyncio.Event()
        self.fresh_until = fresh_until
        """Until then (`read_clock`) it is certainly ours; later, nobody knows before it has been asked for."""
        self._read_clock = read_clock
        self._news = asyncio.Event()

    def renewed(self, fresh_until: float) -> None:
        self.fresh_until = fresh_until
        self._tell()

    def lose(self, why: str) -> None:
        self.lost = why
        self.gone.set()
        self._tell()

    async def confirmed(self) -> bool:
        """Whether the lock is ours. Waits for an answer where that is not known: this process may have been stopped for long."""
        while not self.lost and self._read_clock() > self.fresh_until:
            await self._news.wait()
        return not self.lost

    def _tell(self) -> None:
        self._news.set()
        self._news = asyncio.Event()


@dataclass
class Patience:
    """How long a run waits for others, from now on: for one lock or for both, one after the other."""

    cluster: str
    wait: float
    """Seconds."""
    say: Callable[[str], None]
    read_clock: Callable[[], float] = time.monotonic
    seen: Holder | None = None
    """The last one that was waited for."""
    _began: float = field(init=False)
    _said: float = -math.inf
    _barred: float | None = None

    def __post_init__(self) -> None:
        self._began = self.read_clock()

    @property
    def left(self) -> float:
        return self.wait - (self.read_clock() - self._began)

    def held_by(self, holder: Holder | None) -> None:
        """Say who is waited for, at once and every 30 s. Raises BusyError, which names the holder, where no time is left."""
        self.seen = holder
        if self.left <= 0:
            waited = f", and still is after {self.wait:g} s" if self.wait else ""
            named = f" (if it hangs: deployer unlock {holder.id})" if holder and holder.breakable else ""
            raise BusyError(
                f"cluster {self.cluster} is being applied by {holder or 'another run'}{waited}",
                help=f"wait for it: --lock-wait 5m{named}",
            )
        if self.read_clock() - self._said >= SAY_AGAIN_SECONDS:
            self._said = self.read_clock()
            self.say(f"waiting for {holder or 'another run'}")

    def barred(self) -> None:
        """The lock is nobody's, and yet not to be had: a moment later it is. Raises BusyError where that goes on."""
        if self._barred is None:
            self._barred = self.read_clock()
        elif self.left <= 0 and self.read_clock() - self._barred > BARRED_SECONDS:
            raise BusyError(
                f"the lock of cluster {self.cluster} is nobody's, and Consul does not give it",
                help="wait for it: --lock-wait 1m",
            )
