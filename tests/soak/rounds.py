"""Rounds of a random test that runs on the real cluster: one with its own seed in `make test`, many in `make soak`."""

from __future__ import annotations

import os
import time
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

SEED: Final = "SOAK_SEED"
"""The environment variable with the first round's seed; without it there is one round, with the test's own seed."""
UNTIL: Final = "SOAK_UNTIL"
"""The one with the time (seconds since 1970) at which the last round has to be over; without it there is one round."""
MARK: Final = "soak: seed "
"""What a line begins with that says which seed the next round has."""


def seeds(
    own: int, environment: Mapping[str, str] = os.environ, clock: Callable[[], float] = time.time
) -> Iterator[int]:
    """The seed of each round, printed before it: so the last one that is printed belongs to what failed.

    No round begins for which the time would not do, as far as the longest one so far tells.
    """
    seed, until = int(environment.get(SEED, own)), float(environment.get(UNTIL, 0))
    longest = 0.0
    while True:
        began = clock()
        print(f"{MARK}{seed}", flush=True)
        yield seed
        longest = max(longest, clock() - began)
        if clock() + longest > until:
            return
        seed += 1


def limit(seconds: float, environment: Mapping[str, str] = os.environ) -> float:
    """pytest's time limit of such a test: none (0) in `make soak`, which ends it itself."""
    return 0 if SEED in environment else seconds
