"""What a command or a hook needs to run the flow in a process of its own: an event loop, and signals that end it in order.

Only entry points (`deployer.cli`, `deployer.hooks`) use this. Whoever has a loop already calls `deployer.workflow` in it.
"""

from __future__ import annotations

import asyncio
import signal
from contextlib import contextmanager
from contextvars import ContextVar
from typing import TYPE_CHECKING, Any, Final, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine, Iterator

    from deployer.model.stopping import Word

T = TypeVar("T")
WORDS: Final[dict[int, Word]] = {
    signal.SIGINT: "interrupted",
    signal.SIGTERM: "terminated",
    signal.SIGHUP: "terminated",
    signal.SIGALRM: "timed out",
}
_interrupt: ContextVar[Callable[[], object] | None] = ContextVar("_interrupt", default=None)
"""What Ctrl-C does between two tasks of the present loop; None if that is asyncio's or somebody else's business."""


def wait_for(work: Coroutine[Any, Any, T]) -> T:
    """Run `work` in a new event loop and return its result. Ctrl-C cancels it; then KeyboardInterrupt is raised."""

    async def run() -> T:
        with _interrupted_between_tasks():
            return await work

    return asyncio.run(run())


@contextmanager
def _interrupted_between_tasks() -> Iterator[None]:
    """Let the loop itself call asyncio's handler for Ctrl-C.

    As a signal handler it cancels whatever is in the middle of something, such as taking over a thread's result, which then
    complains with a traceback. The loop calls it while everything is at rest.
    """
    handler = signal.getsignal(signal.SIGINT)
    if not callable(handler) or handler is signal.default_int_handler:
        yield  # not asyncio's: somebody ignores it, or this is not the main thread
        return
    loop = asyncio.get_running_loop()

    def interrupt() -> object:
        return handler(signal.SIGINT, None)

    loop.add_signal_handler(signal.SIGINT, interrupt)
    token = _interrupt.set(interrupt)
    try:
        yield
    finally:
        _interrupt.reset(token)
        loop.remove_signal_handler(signal.SIGINT)
        signal.signal(signal.SIGINT, handler)


@contextmanager
def stop_on_signals(stop: Callable[[Word], None]) -> Iterator[None]:
    """Give signals to `stop` for the time being, except those that this process was started to ignore (nohup)."""
    loop = asyncio.get_running_loop()
    before = {number: signal.getsignal(number) for number in WORDS}
    taken = [number for number, handler in before.items() if handler is not signal.SIG_IGN]
    for number in taken:
        loop.add_signal_handler(number, stop, WORDS[number])
    try:
        yield
    finally:
        interrupt = _interrupt.get()
        for number in taken:
            loop.remove_signal_handler(number)  # which leaves Python's own handler, not the one that was there
            signal.signal(number, before[number])
            if number == signal.SIGINT and interrupt:
                loop.add_signal_handler(number, interrupt)
