"""Waiting for services: all of them at once, until their tasks run, or until it is plain that they will not."""

from __future__ import annotations

import asyncio
import time
from typing import TYPE_CHECKING, Final

from deployer.docker import EngineError
from deployer.errors import DeployerError, TimedOutError
from deployer.execute.service_state import service_state
from deployer.execute.world import LOST_SECONDS, PAUSE_SECONDS, passing
from deployer.remote import ConnectionFailedError

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from deployer.execute.pulse import Beat
    from deployer.execute.service_state import ServiceState
    from deployer.execute.world import World
    from deployer.plan.operations import AwaitServices

FRESH_SECONDS: Final = 2.0
"""How long a global service may be without any task: Swarm makes them a moment after it; then no machine suits it."""


class NotConvergedError(DeployerError):
    """Services do not come to run; `log` says why, a line a task."""

    def __init__(self, message: str, log: Sequence[str]) -> None:
        super().__init__(
            message, help="the tasks' last errors are above; `docker service ps --no-trunc` shows all of them"
        )
        self.log = tuple(log)


async def await_services(world: World, operation: AwaitServices, tell: Callable[[str], None]) -> str:
    """Wait for the stack's services. Raises NotConvergedError at the first that fails, or when `timeout` has passed."""
    began = heard = time.monotonic()
    told = ""
    since: dict[str, tuple[frozenset[str], float]] = {}
    while not world.stopping.is_set():
        try:
            earlier = await world.failed_before()
            beat = await world.pulse.beat()
        except (ConnectionFailedError, EngineError, TimedOutError) as error:
            silent = time.monotonic() - heard > LOST_SECONDS
            if silent or not (isinstance(error, TimedOutError) or passing(error)):
                raise
            await asyncio.sleep(PAUSE_SECONDS)
            continue
        heard = time.monotonic()
        states = _states(world, operation, beat, earlier, fresh=heard - began < FRESH_SECONDS)
        late = [state for state in states if not (steady(state, since, heard) and state.settled)]
        if not late:
            return _line(states)
        if trouble := [state for state in states if state.trouble]:
            raise NotConvergedError("; ".join(f"{state.name}: {state.trouble}" for state in trouble), _errors(trouble))
        if heard - began > operation.timeout:
            raise NotConvergedError(f"not running after {operation.timeout:g} s: {_line(late)}", _errors(late))
        if (line := "; ".join((_line(states), *_errors(late)[:1]))) != told:
            told = line
            tell(told)
    raise DeployerError("stopped while waiting")


def _states(
    world: World, operation: AwaitServices, beat: Beat, earlier: frozenset[str], *, fresh: bool
) -> list[ServiceState]:
    """Tasks that failed before this run count against a service only if this run made it."""
    states = []
    for name in operation.services:
        service = beat.services.get(name)
        tasks = beat.tasks.get(service["ID"], ()) if service else ()
        if name not in world.created:
            tasks = [task for task in tasks if task["ID"] not in earlier]
        states.append(service_state(name, service, tasks, down=beat.down, fresh=fresh))
    return states


def steady(state: ServiceState, since: dict[str, tuple[frozenset[str], float]], now: float) -> bool:
    """Whether the very same tasks have been running for long enough; `since` keeps from when on they have, by service."""
    if since.get(state.name, (None, 0.0))[0] != state.alive:
        since[state.name] = state.alive, now
    return now - since[state.name][1] >= state.steady_seconds


def _line(states: Sequence[ServiceState]) -> str:
    return ", ".join(f"{state.name} {state.running}/{state.wanted}" for state in states)


def _errors(states: Sequence[ServiceState]) -> list[str]:
    return [line for state in states for line in state.errors]
