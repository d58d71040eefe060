"""Waiting for services: all of them at once, until their tasks run, or until it is plain that they will not."""

from __future__ import annotations

from contextlib import aclosing
from dataclasses import dataclass
from typing import TYPE_CHECKING

from deployer.errors import DeployerError
from deployer.execute.back import go_back
from deployer.execute.beats import Endurance, beats
from deployer.execute.last_words import last_words
from deployer.remote.together import together

if TYPE_CHECKING:
    import asyncio
    from collections.abc import Callable, Sequence

    from deployer.execute.service_state import ServiceState
    from deployer.execute.world import World
    from deployer.plan.stacks import AwaitServices


class NotConvergedError(DeployerError):
    """Services do not come to run; `log` says why: their tasks' errors, and the last words of one task of each."""

    def __init__(self, message: str, log: Sequence[str], stack: str = "") -> None:
        tell = f"`deployer ps {stack} --all` and `deployer logs {stack}` tell" if stack else "`deployer ps --all` tells"
        super().__init__(message, help=f"{tell} more")
        self.log = tuple(log)


@dataclass(frozen=True)
class _Failure:
    text: str
    log: tuple[str, ...]


async def await_services(world: World, operation: AwaitServices, tell: Callable[[str], None]) -> str:
    """Wait for the stack's services: for all that do not fail, also where others do.

    One that fails goes back at once to what the plan has for it. Raises NotConvergedError where any failed, or was not there when
    `timeout` had passed.
    """
    names = [name for name in operation.services if world.waited_for(name)]
    end = world.ends(operation.stack, operation.timeout)
    failing: dict[str, asyncio.Task[_Failure]] = {}
    endurance, told, line = Endurance(), "", ""
    async with together() as group, aclosing(beats(world, names, complete=operation.until == "completed")) as seen:
        async for now, states in seen:
            left = [state for state in states if state.name not in failing]
            line = _line(left)
            late = [state for state in left if not endurance.steady(state, now) or not state.settled]
            hopeless = {state.name: trouble for state in late if (trouble := endurance.trouble(state, now))}
            if now > end:
                hopeless = {state.name: _out_of_time(state, operation) for state in late} | hopeless
            for state in late:
                if reason := hopeless.get(state.name):
                    tell(f"{state.name}: {reason}")
                    world.given_up.add(state.name)
                    failing[state.name] = group.create_task(_give_up(world, operation, state, reason))
            late = [state for state in late if state.name not in failing]
            if not late or (operation.hasty and failing):
                break
            if (text := "; ".join((line, *_errors(late)[:1]))) != told:
                told = text
                tell(told)
    if failing:
        failures = [task.result() for task in failing.values()]
        log = [line for failure in failures for line in failure.log]
        raise NotConvergedError("; ".join(failure.text for failure in failures), log, operation.stack)
    if world.stopping.is_set():
        raise DeployerError("stopped while waiting")
    return line


async def _give_up(world: World, operation: AwaitServices, state: ServiceState, reason: str) -> _Failure:
    """The service's failure, with its task's last words; and what became of its going back, where it does."""
    if not state.errors and state.culprit is None:
        state = await _look_again(world, operation, state)
    words = await last_words(world, state.culprit) if state.culprit else ()
    text = f"{state.name}: {reason}"
    for back in operation.back:
        if back.service == state.name and back.service in world.written:
            went = await go_back(world, back, operation.timeout)
            text += f", {went.text}"
    return _Failure(text, (*state.errors, *words))


async def _look_again(world: World, operation: AwaitServices, state: ServiceState) -> ServiceState:
    """Services and tasks are asked for at the same time: their answers may be of the moments before and after a task failed."""
    async with aclosing(beats(world, [state.name], complete=operation.until == "completed")) as seen:
        async for _, (again,) in seen:
            return again
    return state


def _out_of_time(state: ServiceState, operation: AwaitServices) -> str:
    word = "not completed" if operation.until == "completed" else "not running"
    return f"{word} after {operation.timeout:g} s: {state.running}/{state.wanted}"


def _line(states: Sequence[ServiceState]) -> str:
    return ", ".join(f"{state.name} {state.running}/{state.wanted}" for state in states)


def _errors(states: Sequence[ServiceState]) -> list[str]:
    return [line for state in states for line in state.errors]
