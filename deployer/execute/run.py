"""Plan in, report out: walks the steps, in parallel where the plan allows it, and records what became of each."""

from __future__ import annotations

import asyncio
import contextlib
import signal
from typing import TYPE_CHECKING, Final, Literal

from deployer.docker.credentials import Credentials
from deployer.execute.broken import BrokenOffError
from deployer.execute.walk import Walk
from deployer.execute.world import World
from deployer.lock.hold import Held
from deployer.plan.operations import CreateService, UpdateService
from deployer.plan.outcome import Done, Event, Report
from deployer.remote.clock import read_clock

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from deployer.plan.steps import Plan
    from deployer.remote import Link

    Word = Literal["interrupted", "terminated", "timed out"]

SIGNALS: Final[dict[int, Word]] = {
    signal.SIGINT: "interrupted",
    signal.SIGTERM: "terminated",
    signal.SIGHUP: "terminated",
    signal.SIGALRM: "timed out",
}


async def execute(
    plan: Plan,
    link: Link,
    listen: Callable[[Event], None],
    say: Callable[[str], None],
    held: Held | None = None,
    hide: Callable[[str], str] = str,
) -> Report:
    """Do exactly what the plan says. Always returns a report, also after SIGINT, SIGTERM or SIGHUP.

    A first signal lets running steps end and begins no other; a second one leaves them where they are. A lock that is
    lost is as good as a first signal. `hide` takes secrets out of what is reported. Raises BrokenOffError, with the report, where something happened that nobody foresaw.
    """
    held = held or Held()
    began = read_clock()
    written = (step.operation for step in plan.steps if isinstance(step.operation, CreateService | UpdateService))
    world = World(
        link,
        plan.manager,
        planned=frozenset(operation.name for operation in written),
        hide=hide,
        credentials=Credentials(allowed=link.cluster.allowed),
    )
    walk = Walk(plan, world, listen, held)
    walking = asyncio.ensure_future(walk.all_steps())
    stopped: list[Word] = []

    def stop(word: Word) -> None:
        stopped.append(word)
        world.stopping.set()
        if len(stopped) > 1:
            walking.cancel()
        else:
            say(f"{word}: what runs is let end, nothing else begins; once more to leave at once")

    async def stop_when_lost() -> None:
        await held.gone.wait()
        world.stopping.set()
        say(f"the lock is lost, {held.lost}: what runs is let end, nothing else begins")

    watching = asyncio.ensure_future(stop_when_lost())
    try:
        with _signals(stop):
            await walking
    except asyncio.CancelledError:
        if not stopped:
            raise
    finally:
        watching.cancel()
        await world.close()
    outcomes = dict(sorted(walk.outcomes.items()))
    lost = held.lost if any(not isinstance(outcome, Done) for outcome in outcomes.values()) else ""
    word = stopped[0] if stopped else "lock lost" if lost else ""
    report = Report(plan, outcomes, read_clock() - began, word, lock_index=held.index, lost=lost)
    if walk.bugs:
        raise BrokenOffError(report) from walk.bugs[0]
    return report


@contextlib.contextmanager
def _signals(stop: Callable[[Word], None]) -> Iterator[None]:
    """Signals go to `stop` meanwhile, except those that this process was started to ignore (nohup)."""
    loop = asyncio.get_running_loop()
    before = {number: signal.getsignal(number) for number in SIGNALS}
    taken = [number for number, handler in before.items() if handler is not signal.SIG_IGN]
    for number in taken:
        loop.add_signal_handler(number, stop, SIGNALS[number])
    try:
        yield
    finally:
        for number in taken:
            loop.remove_signal_handler(number)  # which leaves Python's own handler, not the one that was there
            signal.signal(number, before[number])
