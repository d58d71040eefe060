"""Walks the steps of a plan, in parallel where the plan allows it, and reports what became of each."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from deployer.docker.credentials import Credentials
from deployer.execute.broken import BrokenOffError
from deployer.execute.walk import Walk
from deployer.execute.world import World
from deployer.lock.hold import Held
from deployer.model.stopping import never_stopped
from deployer.plan.outcome import Done, Event, Report
from deployer.plan.stacks import CreateService, UpdateService
from deployer.remote.clock import read_clock

if TYPE_CHECKING:
    from collections.abc import Callable

    from deployer.model.stopping import Stopping, Word
    from deployer.plan.steps import Plan
    from deployer.remote import Link


async def execute(
    plan: Plan,
    link: Link,
    listen: Callable[[Event], None],
    say: Callable[[str], None],
    held: Held | None = None,
    *,
    hide: Callable[[str], str] = str,
    stopping: Stopping = never_stopped,
) -> Report:
    """Do exactly what the plan says. Always returns a report, also if it is asked to stop.

    `stopping` connects whoever may ask. The first time running steps end and no other begins; the second time they are left where
    they are. A lost lock counts as the first time. `hide` takes secrets out of what is reported. Raises BrokenOffError, with the
    report, if something happened that nobody foresaw.
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
        with stopping(stop):
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
