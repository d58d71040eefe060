"""How far one service has come, told from its tasks. Pure.

A task with a health check is `running` only once it is healthy (swarmkit, agent/exec: `starting` until then).
"""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from deployer.diff.seen import ROLLED_BACK, RUNNING_UPDATES
from deployer.execute.world import FAILED_STATES
from deployer.model.ports import VXLAN
from deployer.model.printable import printable
from deployer.model.spec import ServiceSpec

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

FAILURES: Final = 3
"""Tasks of one service's present spec that may end badly before it is called a failure: one bad start heals, three do not."""

MONITOR_SECONDS: Final = 5.0
"""How long a new task without a health check has to go on running, where `update_config.monitor` says nothing: Swarm's own default
for updates (docs.docker.com/reference/cli/docker/service/create, --update-monitor). Swarm itself looks at updates only."""

CHECKED_SECONDS: Final = 0.5
"""One with a health check that ends with 0 when it is stopped for being unhealthy is called running for a moment."""

FAILED_UPDATES: Final = {
    "paused": "its update is paused",
    "rollback_paused": "its update failed, and so did going back",
    "rollback_completed": "its update failed and was rolled back",
}
UNHEALTHY: Final = "a task is unhealthy"
LIVING: Final = frozenset({"starting", "running"})
LEAVING: Final = frozenset({"shutdown", "remove"})
JOBS: Final = frozenset({"ReplicatedJob", "GlobalJob"})
NO_NODE: Final = re.compile(r"no suitable node \((.*)\)")
LASTING: Final = (
    "scheduling constraints not satisfied",
    "unsupported platform",
    "missing plugin",
    "not available for new tasks",
)

STALE_NETWORK: Final = re.compile(r"network sandbox join failed:.*file exists")
"""The machine still has the interface of an overlay that is gone, and fails the tasks of the network that has its number now
(github.com/moby/libnetwork/issues/1765): for seconds after a swarm was left, or until the engine is started anew."""
TAKEN_PORT: Final = re.compile(r"network sandbox join failed:.*failed to set link up: address already in use")
"""A program on the machine, and not its kernel, has the port at which overlay networks meet (VXLAN)."""

COMPARED: Final = ("ContainerSpec", "Resources", "RestartPolicy", "LogDriver", "Networks", "ForceUpdate")
"""What makes a task one of an earlier spec; not where it may run (swarmkit, manager/orchestrator/task.go, IsTaskDirty)."""


@dataclass(frozen=True)
class Culprit:
    """A task of which there is something to be told: its id, its name (`web_api.1`), its node's id, its container's id."""

    id: str
    name: str
    node: str
    container: str
    checked: bool = False
    """Whether it has a health check."""


@dataclass(frozen=True)
class ServiceState:
    """One service while it is waited for. `trouble` is empty, or why there is no use in waiting longer; `doubt` is the same where
    only its lasting a moment shows it.

    `steady_seconds` is how long the tasks with the ids `alive` have to go on running until that says something: none where
    they have a health check. `culprit` is the task whose last words say most.
    """

    name: str
    running: int
    wanted: int
    settled: bool
    trouble: str = ""
    errors: tuple[str, ...] = ()
    alive: frozenset[str] = frozenset()
    steady_seconds: float = 0.0
    doubt: str = ""
    culprit: Culprit | None = None


def service_state(  # noqa: PLR0913 - what is known of it
    name: str,
    service: Mapping[str, Any] | None,
    tasks: Sequence[Mapping[str, Any]],
    *,
    down: frozenset[str] = frozenset(),
    unhealthy: frozenset[str] = frozenset(),
    fresh: bool = False,
    proven: frozenset[str] = frozenset(),
    complete: bool = False,
    returning: bool = False,
) -> ServiceState:
    """From an entry of `GET /services?status=true`, its tasks, the ids of nodes that are down, and of containers that are unhealthy.

    `fresh`: it may be so new that Swarm has made no task of it yet. `proven` are ids of tasks that ran before. `complete`: its
    tasks are to end well, whatever else it is. `returning`: that its update was rolled back is what was wanted.
    """
    if service is None:
        return ServiceState(name, 0, 0, settled=False, trouble="it is gone: somebody removed it")
    present = [task for task in tasks if _of_present_spec(task, service)]
    # Swarm counts what ran on a machine that is down as running for a day (moby#45922).
    lost = sum(_state(task) == "running" for task in tasks if _on(task, down))
    running, wanted = _counts(service, present, lost, complete=complete)
    update = str((service.get("UpdateStatus") or {}).get("State") or "")
    paused = "" if returning and update == ROLLED_BACK else _failed_update(service, update)
    # An update that was just sent is not yet called one: its old tasks would pass for the new ones.
    stale = any(task not in present and task.get("DesiredState") == "running" and not _on(task, down) for task in tasks)
    # Swarm counts a task that is being stopped as running: it would pass for the one that is to replace it. One that had not yet
    # come to run when it was told to go may do so for a moment.
    leaving = any(
        _state(task) in LIVING and task.get("DesiredState") in LEAVING and not _on(task, down) for task in tasks
    )
    # While old tasks run, or are being stopped, Swarm counts them; why the update will not succeed is what the new ones say.
    sick = [task for task in present if _container(task) in unhealthy and task.get("DesiredState") not in LEAVING]
    trouble = (_hopeless(service, present) if running < wanted or paused or stale or leaving else "") or paused
    trouble = UNHEALTHY if sick else trouble
    if complete and not ServiceSpec(service["Spec"]).finite:
        trouble = "it is restarted whenever it ends, so it never completes (restart_policy.condition: any)"
    unborn = (
        fresh and not wanted and not tasks and not {"Global", "GlobalJob"}.isdisjoint(service["Spec"].get("Mode") or {})
    )
    # The two answers are of two moments: what dies again and again may run by the one and not by the other.
    unseen = _running_tasks(service) - lost > sum(_state(task) == "running" and not _on(task, down) for task in tasks)
    settled = (
        running == wanted and not (stale or leaving or unborn or unseen or trouble) and update not in RUNNING_UPDATES
    )
    alive = frozenset(task["ID"] for task in present if _state(task) == "running")
    failed = any(ended_badly(task, service) for task in present)
    new = CHECKED_SECONDS if _has_check(service) else _monitor(service)
    steady = _monitor(service) if failed else new if alive - proven else 0.0
    doubt = "" if down or running >= wanted else _homeless(present)
    blamed = (
        tasks if update.startswith("rollback") and not returning else present
    )  # the present spec is the old one again
    culprit, errors = _culprit(name, service, sick or blamed), _task_errors(name, service, blamed)
    return ServiceState(name, running, wanted, settled, trouble, errors, alive, steady, doubt, culprit)


def _state(task: Mapping[str, Any]) -> str:
    return str((task.get("Status") or {}).get("State") or "")


def _on(task: Mapping[str, Any], nodes: frozenset[str]) -> bool:
    return task.get("NodeID") in nodes


def ended_badly(task: Mapping[str, Any], service: Mapping[str, Any]) -> bool:
    """Also one that ended well, where it was to go on: a program that exits with 0 when it is stopped for being unhealthy."""
    return _state(task) in FAILED_STATES or (_state(task) == "complete" and not ServiceSpec(service["Spec"]).finite)


def _monitor(service: Mapping[str, Any]) -> float:
    nanoseconds = (service["Spec"].get("UpdateConfig") or {}).get("Monitor")
    return float(nanoseconds) / 1e9 if nanoseconds else MONITOR_SECONDS


def _counts(
    service: Mapping[str, Any], tasks: Sequence[Mapping[str, Any]], lost: int, *, complete: bool
) -> tuple[int, int]:
    """(running, wanted). Of a job only completed tasks count, of a service that is not restarted after success they do, too.

    `restart_policy: none` without a health check or a published port is meant to end: there, too, only completed ones count.
    """
    status = service.get("ServiceStatus") or {}
    running, wanted = _running_tasks(service) - lost, int(status.get("DesiredTasks") or 0)
    mode = service["Spec"].get("Mode") or {}
    if JOBS & set(mode):
        job = mode.get("ReplicatedJob")
        completed = int(status.get("CompletedTasks") or 0)
        return completed, wanted if job is None else int(job.get("TotalCompletions") or job.get("MaxConcurrent") or 1)
    if ServiceSpec(service["Spec"]).finite:
        ended = sum(_state(task) == "complete" for task in tasks)
        running = min(wanted, ended if complete or _one_shot(service) else running + ended)
    return running, wanted


def _running_tasks(service: Mapping[str, Any]) -> int:
    return int((service.get("ServiceStatus") or {}).get("RunningTasks") or 0)


def _one_shot(service: Mapping[str, Any]) -> bool:
    spec = ServiceSpec(service["Spec"])
    return spec.restart.get("Condition") == "none" and not spec.ports and not _has_check(service)


def _has_check(service: Mapping[str, Any]) -> bool:
    check = ServiceSpec(service["Spec"]).healthcheck
    return bool(check.get("Test")) and check["Test"] != ["NONE"]


def _of_present_spec(task: Mapping[str, Any], service: Mapping[str, Any]) -> bool:
    """Whether the task was made from the service's present definition, not from an earlier one."""
    template = ServiceSpec(service["Spec"]).template
    return all((task.get("Spec") or {}).get(key) == template.get(key) for key in COMPARED)


def _failed_update(service: Mapping[str, Any], state: str) -> str:
    if state not in FAILED_UPDATES:
        return ""
    message = str(service["UpdateStatus"].get("Message") or "")
    return FAILED_UPDATES[state] + (f" ({printable(message)})" if message else "")


def _hopeless(service: Mapping[str, Any], tasks: Sequence[Mapping[str, Any]]) -> str:
    """Why waiting longer is of no use; empty where it may be.

    A task that is unhealthy has had its chance: interval, retries and start_period of its health check are the user's. Where its
    program ends with 0 when it is stopped for that, nothing but its end before it was ever healthy is left of it.
    """
    failed = [task for task in tasks if ended_badly(task, service)]
    if any("unhealthy" in str(task["Status"].get("Err")) for task in failed):
        return UNHEALTHY
    if _has_check(service) and any(_state(task) == "complete" for task in failed):
        return "a task ended although it was to go on: unhealthy, or its program ended"
    if any(_state(task) == "rejected" and "No such image" in str(task["Status"].get("Err")) for task in failed):
        return "its image cannot be had"
    attempts = int(ServiceSpec(service["Spec"]).restart.get("MaxAttempts") or 0)
    if failed and ServiceSpec(service["Spec"]).restart.get("Condition") == "none":
        return "a task failed, and it is not to be restarted"
    if len(failed) >= FAILURES or (attempts and len(failed) > attempts):
        return f"{len(failed)} of its tasks failed"
    return ""


def _homeless(tasks: Sequence[Mapping[str, Any]]) -> str:
    """Why a task will find no machine however long it waits: none meets its constraints.

    What Swarm says of each machine (swarmkit, manager/scheduler/filter.go and pipeline.go, Explain). Lack of memory or of a free port
    may pass when another task ends.
    """
    for task in tasks:
        error = str((task.get("Status") or {}).get("Err") or "")
        if _state(task) == "pending" and (told := NO_NODE.fullmatch(error)):
            reasons = told[1].split("; ")
            if all(any(lasting in reason for lasting in LASTING) for reason in reasons):
                return f"no machine suits it ({printable(told[1])})"
    return ""


def _culprit(name: str, service: Mapping[str, Any], tasks: Sequence[Mapping[str, Any]]) -> Culprit | None:
    """The last one that failed and had a container; where none did, the last that has one and does not run."""
    failed = [task for task in tasks if ended_badly(task, service)]
    starting = [task for task in tasks if _state(task) in {"starting", "preparing", "ready"}]
    for group in (failed, starting):
        with_container = [task for task in group if _container(task)]
        if with_container:
            task = max(with_container, key=lambda task: str(task["Status"].get("Timestamp")))
            slot = task.get("Slot") or str(task.get("NodeID"))[:12]
            node = str(task.get("NodeID") or "")
            return Culprit(str(task["ID"]), f"{name}.{slot}", node, _container(task), _has_check(service))
    return None


def _container(task: Mapping[str, Any]) -> str:
    return str(((task.get("Status") or {}).get("ContainerStatus") or {}).get("ContainerID") or "")


def _task_errors(name: str, service: Mapping[str, Any], tasks: Sequence[Mapping[str, Any]]) -> tuple[str, ...]:
    """What went wrong, the most frequent first; a pending task's error says why it finds no machine."""
    errors = Counter(
        str(task["Status"].get("Err") or "its container ended")
        for task in tasks
        if ended_badly(task, service) or (_state(task) == "pending" and task["Status"].get("Err"))
    )
    times = {text: f" ({count} times)" if count > 1 else "" for text, count in errors.items()}
    return tuple(f"{name}: {printable(text)}{times[text]}{_remedy(text)}" for text, _ in errors.most_common(5))


def _remedy(error: str) -> str:
    if STALE_NETWORK.search(error):
        return "; its machine has an earlier network: apply again, or deployer machine restart --engine MACHINE"
    if TAKEN_PORT.search(error):
        return f"; a program on its machine has UDP port {VXLAN[0]}, which overlay networks need: ss -lunp 'sport = {VXLAN[0]}' names it"
    return ""
