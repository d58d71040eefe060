"""How tests wait: for a condition, with a generous end, and a failure that says what it saw last."""

from __future__ import annotations

import asyncio
import time
from typing import TYPE_CHECKING, NoReturn, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable

T = TypeVar("T")

GENEROUS_SECONDS = 60.0
"""Far more than any condition of a test takes: it ends a test that hangs, and says nothing about speed."""
PAUSE_SECONDS = 0.02
LONGEST_SIGHT = 4000
"""Characters of what was seen last: its end counts."""


def wait_until(
    condition: Callable[[], T],
    what: str,
    seconds: float = GENEROUS_SECONDS,
    saw: Callable[[], object] | None = None,
    pause: float = PAUSE_SECONDS,
) -> T:
    """Return the first true value of `condition`; `what` names it.

    Fails after `seconds`. The failure shows what `saw` returns then, and the condition's last value where there is no `saw`.
    """
    began = time.monotonic()
    while not (found := condition()):
        if time.monotonic() - began >= seconds:
            _fail(what, seconds, saw() if saw else found)
        time.sleep(pause)
    return found


async def wait_until_async(
    condition: Callable[[], T],
    what: str,
    seconds: float = GENEROUS_SECONDS,
    saw: Callable[[], object] | None = None,
    pause: float = PAUSE_SECONDS,
) -> T:
    """The same in a coroutine: the event loop goes on, and its clock counts the seconds."""
    clock = asyncio.get_running_loop().time
    began = clock()
    while not (found := condition()):
        if clock() - began >= seconds:
            _fail(what, seconds, saw() if saw else found)
        await asyncio.sleep(pause)
    return found


def _fail(what: str, seconds: float, seen: object) -> NoReturn:
    text = seen if isinstance(seen, str) else repr(seen)
    if len(text) > LONGEST_SIGHT:
        text = f"... {text[-LONGEST_SIGHT:]}"
    raise AssertionError(f"waited {seconds:g} s for {what}; last seen: {text}")
