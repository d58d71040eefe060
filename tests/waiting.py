"""Waiting for what comes about: tests wait for a condition, never for a time, and say what they saw last."""

from __future__ import annotations

import asyncio
import inspect
import time
from typing import TYPE_CHECKING, Final, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable

T = TypeVar("T")
GENEROUS: Final = 60.0
"""Seconds: twenty times what most things take, so that only what never happens fails, and no slow machine does."""
LOOKS: Final = 0.05
"""Seconds between the first looks; they grow to half a second."""


def wait_until(
    condition: Callable[[], T],
    what: str = "",
    *,
    seconds: float = GENEROUS,
    saw: Callable[[], object] | None = None,
    fails: type[Exception] | tuple[type[Exception], ...] = (),
) -> T:
    """Ask `condition` until its answer is true, and return that answer.

    Raises AssertionError after `seconds`: it says what was waited for (`what`, or else the condition's own source) and what was seen
    last (what `saw` returns, or else the last answer). An exception of the kinds `fails` counts as "not yet".
    """
    deadline, pause = time.monotonic() + seconds, LOOKS
    while True:
        answer, error = _ask(condition, fails)
        if answer:
            return answer
        if time.monotonic() > deadline:
            raise AssertionError(_failure(condition, what, seconds, answer, saw)) from error
        time.sleep(pause)
        pause = min(pause * 1.3, 0.5)


async def wait_until_async(
    condition: Callable[[], T], what: str = "", *, seconds: float = GENEROUS, saw: Callable[[], object] | None = None
) -> T:
    """The same for a test that runs in an event loop, by whose clock the seconds count."""
    clock = asyncio.get_running_loop().time
    deadline = clock() + seconds
    while not (answer := condition()):
        if clock() > deadline:
            raise AssertionError(_failure(condition, what, seconds, answer, saw))
        await asyncio.sleep(0.005)
    return answer


def _ask(
    condition: Callable[[], T], fails: type[Exception] | tuple[type[Exception], ...]
) -> tuple[T | None, Exception | None]:
    try:
        return condition(), None
    except fails as error:
        return None, error


def _failure(
    condition: Callable[[], object], what: str, seconds: float, answer: object, saw: Callable[[], object] | None
) -> str:
    try:
        last = answer if saw is None else saw()
    except Exception as error:  # noqa: BLE001 - the failure itself must be told, whatever the look at it does
        last = repr(error)
    return f"waited {seconds:g} s for {what or _source(condition)}; saw last: {last}"


def _source(condition: Callable[[], object]) -> str:
    """The condition as it stands in its file, on one line."""
    try:
        return " ".join(inspect.getsource(condition).split())
    except (OSError, TypeError):
        return repr(condition)
