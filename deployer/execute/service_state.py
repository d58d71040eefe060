"""One service and its tasks in, how far it has come out. Pure.

A task with a health check is `running` only once it is healthy (swarmkit, agent/exec: `starting` until then).
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from deployer.diff.services import RUNNING_UPDATES
from deployer.execute.world import FAILED_STATES
from deployer.model.printable import printable

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

FAILURES: Final = 3
"""Tasks of one service's present spec that may end badly before it is called a failure: one bad start heals, three do not."""

STEADY_SECONDS: Final = 0.5
"""A program that ends at once is `running` for a moment, too."""
AFTER_FAILURE_SECONDS: Final = 5.0
"""After one that failed: Swarm's own measure for updates (docs.docker.com/reference/cli/docker/service, --update-monitor)."""

FAILED_UPDATES: Final = {
    "paused": "its update is paused",
    "rollback_paused": "its update failed, and so did going back",
    "rollback_completed": "its update failed and was rolled back",
}
LEAVING: Final = frozenset({"shutdown", "remove"})
JOBS: Final = frozenset({"ReplicatedJob", "GlobalJob"})

COMPARED: Final = ("ContainerSpec", "Resources", "RestartPolicy", "LogDriver", "Networks", "ForceUpdate")
"""What makes a task one of an earlier spec; not where it may run (swarmkit, manager/orchestrator/task.go, IsTaskDirty)."""


@dataclass(frozen=True)
class ServiceState:
    """One service while it is waited for. `trouble` is empty, or why there is no use in waiting longer.

    `steady_seconds` is how long the tasks with the ids `alive` have to go on running until that says something: none where
    they have a health check.
    """

    name: str
    running: int
    wanted: int
    settled: bool
    trouble: str = ""
    errors: tuple[str, ...] = ()
    alive: frozenset[str] = frozenset()
    steady_seconds: float = 0.0


def service_state(
    name: str,
    service: Mapping[str, Any] | None,
    tasks: Sequence[Mapping[str, Any]],
    *,
    down: frozenset[str] = frozenset(),
    fresh: bool = False,
) -> ServiceState:
    """From an entry of `GET /services?status=true`, its tasks, and the ids of nodes that are down.

    `fresh`: it may be so new that Swarm has made no task of it yet.
    """
    if service is None:
        return ServiceState(name, 0, 0, settled=False, trouble="it is gone: somebody removed it")
    present = [task for task in tasks if _of_present_spec(task, service)]
    # Swarm counts what ran on a machine that is down as running for a day (moby#45922).
    running, wanted = _counts(service, present, sum(_state(task) == "running" for task in tasks if _on(task, down)))
    update = str((service.get("UpdateStatus") or {}).get("State") or "")
    trouble = _failed_update(service, update) or (_hopeless(service, present) if running < wanted else "")
    # An update that was just sent is not yet called one: its old tasks would pass for the new ones.
    stale = any(task not in present and task.get("DesiredState") == "running" and not _on(task, down) for task in tasks)
    # Swarm counts a task that is being stopped as running: it would pass for the one that is to replace it.
    leaving = any(
        _state(task) == "running" and task.get("DesiredState") in LEAVING and not _on(task, down) for task in tasks
    )
    unborn = (
        fresh and not wanted and not tasks and not {"Global", "GlobalJob"}.isdisjoint(service["Spec"].get("Mode") or {})
    )
    settled = running == wanted and not (stale or leaving or unborn or trouble) and update not in RUNNING_UPDATES
    alive = frozenset(task["ID"] for task in present if _state(task) == "running")
    failed = any(_state(task) in FAILED_STATES for task in present)
    steady = AFTER_FAILURE_SECONDS if failed else STEADY_SECONDS if alive and not _checked(service) else 0.0
    return ServiceState(name, running, wanted, settled, trouble, _task_errors(name, present), alive, steady)


def _state(task: Mapping[str, Any]) -> str:
    return str((task.get("Status") or {}).get("State") or "")


def _on(task: Mapping[str, Any], nodes: frozenset[str]) -> bool:
    return task.get("NodeID") in nodes


def _counts(service: Mapping[str, Any], tasks: Sequence[Mapping[str, Any]], lost: int) -> tuple[int, int]:
    """(running, wanted). Of a job only completed tasks count, of a service that is not restarted after success they do, too."""
    status = service.get("ServiceStatus") or {}
    running, wanted = int(status.get("RunningTasks") or 0) - lost, int(status.get("DesiredTasks") or 0)
    mode = service["Spec"].get("Mode") or {}
    if JOBS & set(mode):
        job = mode.get("ReplicatedJob")
        completed = int(status.get("CompletedTasks") or 0)
        return completed, wanted if job is None else int(job.get("TotalCompletions") or job.get("MaxConcurrent") or 1)
    if _policy(service).get("Condition") in {"none", "on-failure"}:
        running = min(wanted, running + sum(_state(task) == "complete" for task in tasks))
    return running, wanted


def _checked(service: Mapping[str, Any]) -> bool:
    check = ((service["Spec"].get("TaskTemplate") or {}).get("ContainerSpec") or {}).get("Healthcheck") or {}
    return bool(check.get("Test")) and check["Test"] != ["NONE"]


def _policy(service: Mapping[str, Any]) -> Mapping[str, Any]:
    policy: Mapping[str, Any] = (service["Spec"].get("TaskTemplate") or {}).get("RestartPolicy") or {}
    return policy


def _of_present_spec(task: Mapping[str, Any], service: Mapping[str, Any]) -> bool:
    """Whether the task was made from the service's present definition, not from an earlier one."""
    template = service["Spec"].get("TaskTemplate") or {}
    return all((task.get("Spec") or {}).get(key) == template.get(key) for key in COMPARED)


def _failed_update(service: Mapping[str, Any], state: str) -> str:
    if state not in FAILED_UPDATES:
        return ""
    message = str(service["UpdateStatus"].get("Message") or "")
    return FAILED_UPDATES[state] + (f" ({printable(message)})" if message else "")


def _hopeless(service: Mapping[str, Any], tasks: Sequence[Mapping[str, Any]]) -> str:
    """Why waiting longer is of no use; empty where it may be."""
    failed = [task for task in tasks if _state(task) in FAILED_STATES]
    if any(_state(task) == "rejected" and "No such image" in str(task["Status"].get("Err")) for task in failed):
        return "its image cannot be had"
    attempts = int(_policy(service).get("MaxAttempts") or 0)
    if failed and _policy(service).get("Condition") == "none":
        return "a task failed, and it is not to be restarted"
    if len(failed) >= FAILURES or (attempts and len(failed) > attempts):
        return f"{len(failed)} of its tasks failed"
    return ""


def _task_errors(name: str, tasks: Sequence[Mapping[str, Any]]) -> tuple[str, ...]:
    """What went wrong, the most frequent first; a pending task's error says why it finds no machine."""
    errors = Counter(
        str(task["Status"].get("Err") or "its container ended")
        for task in tasks
        if _state(task) in FAILED_STATES or (_state(task) == "pending" and task["Status"].get("Err"))
    )
    times = {text: f" ({count} times)" if count > 1 else "" for text, count in errors.items()}
    return tuple(f"{name}: {printable(text)}{times[text]}" for text, _ in errors.most_common(5))
