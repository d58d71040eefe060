"""Waiting for services: all of them at once, until their tasks run, or until it is plain that they will not.

A task with a health check is `running` only once it is healthy (swarmkit, agent/exec: `starting` until then).
"""

from __future__ import annotations

import asyncio
import time
from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from deployer.errors import DeployerError, TimedOutError
from deployer.model.printable import printable
from deployer.remote import ConnectionFailedError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from deployer.execute.world import World
    from deployer.plan.operations import AwaitServices

POLL_SECONDS: Final = 0.2
FAILURES: Final = 3
"""Tasks of one service's present spec that may end badly before it is called a failure: one bad start heals, three do not."""
LOST_SECONDS: Final = 20.0
"""How long the manager may be silent during a wait: an engine that restarts is back before that."""

FAILED_STATES: Final = frozenset({"failed", "rejected"})

FAILED_UPDATES: Final = {
    "paused": "its update is paused",
    "rollback_paused": "its update failed, and so did going back",
    "rollback_completed": "its update failed and was rolled back",
}


class NotConvergedError(DeployerError):
    """Services do not come to run; `log` says why, a line a task."""

    def __init__(self, message: str, log: Sequence[str]) -> None:
        super().__init__(
            message, help="the tasks' last errors are above; `docker service ps --no-trunc` shows all of them"
        )
        self.log = tuple(log)


@dataclass(frozen=True)
class ServiceState:
    """One service while it is waited for. `trouble` is empty, or why there is no use in waiting longer."""

    name: str
    running: int
    wanted: int
    settled: bool
    trouble: str = ""
    errors: tuple[str, ...] = ()


async def await_services(world: World, operation: AwaitServices, tell: Callable[[str], None]) -> str:
    """Wait for the stack's services. Raises NotConvergedError at the first that fails, or when `timeout` has passed."""
    deadline = time.monotonic() + operation.timeout
    told = ""
    heard = time.monotonic()
    earlier: frozenset[str] | None = None
    while not world.stopping.is_set():
        try:
            services, tasks = await _ask(world, operation)
            heard = time.monotonic()
        except (ConnectionFailedError, TimedOutError):
            if time.monotonic() - heard > LOST_SECONDS:
                raise
            await asyncio.sleep(POLL_SECONDS)
            continue
        if earlier is None:
            earlier = _failed_before(world, services, tasks)
        counted = [task for task in tasks if task["ID"] not in earlier]
        states = [service_state(name, services.get(name), counted) for name in operation.services]
        if all(state.settled for state in states):
            return _line(states)
        if trouble := [state for state in states if state.trouble]:
            raise NotConvergedError("; ".join(f"{state.name}: {state.trouble}" for state in trouble), _errors(trouble))
        if _line(states) != told:
            told = _line(states)
            tell(told)
        if time.monotonic() > deadline:
            late = [state for state in states if not state.settled]
            raise NotConvergedError(f"not running after {operation.timeout:g} s: {_line(late)}", _errors(late))
        await asyncio.sleep(POLL_SECONDS)
    raise DeployerError("stopped while waiting")


async def _ask(world: World, operation: AwaitServices) -> tuple[dict[str, Mapping[str, Any]], list[Mapping[str, Any]]]:
    engine = await world.manager()
    label = {"label": [f"com.docker.stack.namespace={operation.stack}"]}
    services, tasks = await asyncio.gather(
        engine.get("/services", status=True, filters=label), engine.get("/tasks", filters=label)
    )
    return {service["Spec"]["Name"]: service for service in services}, tasks


def _failed_before(
    world: World, services: Mapping[str, Mapping[str, Any]], tasks: Sequence[Mapping[str, Any]]
) -> frozenset[str]:
    """Failed tasks of services that this run has not touched: what went wrong yesterday does not fail today's wait."""
    untouched = {service["ID"] for name, service in services.items() if name not in world.written}
    return frozenset(
        task["ID"] for task in tasks if task.get("ServiceID") in untouched and _state(task) in FAILED_STATES
    )


def _line(states: Sequence[ServiceState]) -> str:
    return ", ".join(f"{state.name} {state.running}/{state.wanted}" for state in states)


def _errors(states: Sequence[ServiceState]) -> list[str]:
    return [line for state in states for line in state.errors]


def _state(task: Mapping[str, Any]) -> str:
    return str((task.get("Status") or {}).get("State") or "")


def service_state(name: str, service: Mapping[str, Any] | None, tasks: Sequence[Mapping[str, Any]]) -> ServiceState:
    """One service's state from an entry of `GET /services?status=true` and from `GET /tasks`."""
    if service is None:
        return ServiceState(name, 0, 0, settled=False, trouble="it is gone: somebody removed it")
    mine = [task for task in tasks if task.get("ServiceID") == service["ID"] and _of_present_spec(task, service)]
    running, wanted = _counts(service, mine)
    update = service.get("UpdateStatus") or {}
    state = str(update.get("State") or "")
    trouble = ""
    if state in FAILED_UPDATES:
        message = str(update.get("Message") or "")
        trouble = FAILED_UPDATES[state] + (f" ({printable(message)})" if message else "")
    elif running < wanted:
        trouble = _hopeless(mine)
    settled = running == wanted and state not in {"updating", "rollback_started", *FAILED_UPDATES}
    return ServiceState(name, running, wanted, settled, trouble, _task_errors(name, mine))


def _counts(service: Mapping[str, Any], tasks: Sequence[Mapping[str, Any]]) -> tuple[int, int]:
    """(running, wanted); tasks of a job, or of a service that is not restarted after success, count when complete, too."""
    status = service.get("ServiceStatus") or {}
    running, wanted = int(status.get("RunningTasks") or 0), int(status.get("DesiredTasks") or 0)
    mode = service["Spec"].get("Mode") or {}
    if "ReplicatedJob" in mode:
        wanted = int(mode["ReplicatedJob"].get("TotalCompletions") or mode["ReplicatedJob"].get("MaxConcurrent") or 1)
    policy = service["Spec"]["TaskTemplate"].get("RestartPolicy") or {}
    if {"ReplicatedJob", "GlobalJob"} & set(mode) or policy.get("Condition") in {"none", "on-failure"}:
        running = min(wanted, running + sum(_state(task) == "complete" for task in tasks))
    return running, wanted


def _of_present_spec(task: Mapping[str, Any], service: Mapping[str, Any]) -> bool:
    """Whether the task was made from the service's present definition, not from an earlier one."""
    template = service["Spec"]["TaskTemplate"]
    keys = ("ContainerSpec", "Resources", "Placement", "ForceUpdate")
    return all(task["Spec"].get(key) == template.get(key) for key in keys)


def _hopeless(tasks: Sequence[Mapping[str, Any]]) -> str:
    """Why waiting longer is of no use; empty where it may be."""
    failed = [task for task in tasks if _state(task) in FAILED_STATES]
    if any(_state(task) == "rejected" and "No such image" in str(task["Status"].get("Err")) for task in failed):
        return "its image cannot be had"
    return f"{len(failed)} of its tasks failed" if len(failed) >= FAILURES else ""


def _task_errors(name: str, tasks: Sequence[Mapping[str, Any]]) -> tuple[str, ...]:
    """What went wrong, the most frequent first; a pending task's error says why it finds no machine."""
    errors = Counter(
        str(task["Status"].get("Err") or "its container ended")
        for task in tasks
        if _state(task) in FAILED_STATES or (_state(task) == "pending" and task["Status"].get("Err"))
    )
    times = {text: f" ({count} times)" if count > 1 else "" for text, count in errors.items()}
    return tuple(f"{name}: {printable(text)}{times[text]}" for text, _ in errors.most_common(5))
