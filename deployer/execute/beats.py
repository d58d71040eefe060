"""The swarm's services as they come along, one list of states a beat, however often a manager restarts meanwhile."""

from __future__ import annotations

import asyncio
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Final

from deployer.docker import EngineError
from deployer.errors import TimedOutError
from deployer.execute.service_state import service_state
from deployer.execute.world import LOST_SECONDS, PAUSE_SECONDS, passing
from deployer.model.spec import ServiceSpec
from deployer.remote import ConnectionFailedError
from deployer.remote.clock import read_clock

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Sequence

    from deployer.execute.pulse import Beat
    from deployer.execute.service_state import ServiceState
    from deployer.execute.world import Before, World

FRESH_SECONDS: Final = 2.0
"""How long a global service may be without any task: Swarm makes them a moment after it; then no machine suits it."""


async def beats(
    world: World, services: Sequence[str], *, complete: bool = False, returning: bool = False
) -> AsyncGenerator[tuple[float, list[ServiceState]], None]:
    """(when, the services' states), five times a second at most, until the run is to stop.

    Raises what Engine raises where it is no passing trouble, or has lasted for LOST_SECONDS.
    """
    began = heard = read_clock()
    unheard = 0
    while not world.stopping.is_set():
        try:
            before = await world.before()
            beat = await world.pulse.beat(services)
        except (ConnectionFailedError, EngineError, TimedOutError) as error:
            # Twice at least: a process that was stopped meanwhile (a laptop's lid, kill -STOP) has let its first answer slip itself.
            unheard += 1
            silent = unheard > 1 and read_clock() - heard > LOST_SECONDS
            if silent or not (isinstance(error, TimedOutError) or passing(error)):
                raise
            await asyncio.sleep(PAUSE_SECONDS)
            continue
        heard, unheard = read_clock(), 0
        how = _How(complete, returning, fresh=heard - began < FRESH_SECONDS)
        yield heard, [_state(world, name, beat, before, how) for name in services]


@dataclass(frozen=True)
class _How:
    complete: bool
    returning: bool
    fresh: bool


def _state(world: World, name: str, beat: Beat, before: Before, how: _How) -> ServiceState:
    """Tasks that ended before this run count against a service only if this run made it; for it, where it is to end and did."""
    service = beat.services.get(name)
    tasks = beat.tasks.get(service["ID"], ()) if service else ()
    if service and name not in world.created:
        kept = {"complete"} if ServiceSpec(service["Spec"]).finite else set()
        tasks = [task for task in tasks if task["ID"] not in before.ended or task["Status"]["State"] in kept]
    proven = frozenset() if name in world.created else before.running
    return service_state(name, service, tasks, down=beat.down, unhealthy=beat.unhealthy, proven=proven, **asdict(how))


class Endurance:
    """Since when what is seen has not changed, by service."""

    def __init__(self) -> None:
        self._alive: dict[str, tuple[frozenset[str], float]] = {}
        self._doubts: dict[str, tuple[str, float]] = {}

    def steady(self, state: ServiceState, now: float) -> bool:
        """Whether the very same tasks have been running for long enough."""
        if self._alive.get(state.name, (None, 0.0))[0] != state.alive:
            self._alive[state.name] = state.alive, now
        return now - self._alive[state.name][1] >= state.steady_seconds

    def trouble(self, state: ServiceState, now: float) -> str:
        """Why waiting longer is of no use; empty where it may be. A doubt that stays becomes such a reason."""
        if self._doubts.get(state.name, (None, 0.0))[0] != state.doubt:
            self._doubts[state.name] = state.doubt, now
        lasts = now - self._doubts[state.name][1] >= DOUBT_SECONDS
        return state.trouble or (state.doubt if lasts else "")


DOUBT_SECONDS: Final = 2.0
"""How long a service may find no machine: one that has just joined, or got its label, is known to the scheduler a moment later."""
