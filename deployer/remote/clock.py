"""The clock by which steps wait: the event loop's, as sleeps and time-outs go by it too. Whoever runs the loop chooses it."""

from __future__ import annotations

import asyncio


def read_clock() -> float:
    """Seconds since a moment that does not change. Only differences say anything. Call it where a loop runs."""
    return asyncio.get_running_loop().time()
