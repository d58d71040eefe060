"""What a service and its tasks say of how far it has come. Shapes as Engine 26.1 answers (`GET /services?status=true`, `GET /tasks`)."""

from __future__ import annotations

from typing import Any

import pytest

from deployer.execute.service_state import service_state

SPEC: dict[str, Any] = {"ContainerSpec": {"Image": "api:2"}, "Resources": {}, "Placement": {}, "ForceUpdate": 0}
OLD_SPEC = SPEC | {"ContainerSpec": {"Image": "api:1"}}
MISSING = "No such image: api:2"
NO_NODE = "no suitable node (scheduling constraints not satisfied on 3 nodes)"


def service(
    running: int, wanted: int, *, completed: int = 0, update: str = "", message: str = "", policy: dict[str, Any] | None = None,
    mode: dict[str, Any] | None = None,
) -> dict[str, Any]:  # fmt: skip
    template = SPEC | ({"RestartPolicy": policy} if policy else {})
    told: dict[str, Any] = {
        "ID": "s1",
        "Spec": {"Name": "api", "TaskTemplate": template, "Mode": mode or {"Replicated": {"Replicas": wanted}}},
        "ServiceStatus": {"RunningTasks": running, "DesiredTasks": wanted, "CompletedTasks": completed},
    }
    return told | ({"UpdateStatus": {"State": update, "Message": message}} if update else {})


def task(state: str, *, err: str = "", spec: dict[str, Any] | None = None, desired: str = "running", node: str = "n1",
         policy: dict[str, Any] | None = None) -> dict[str, Any]:  # fmt: skip
    status = {"State": state} | ({"Err": err} if err else {})
    made_from = (SPEC if spec is None else spec) | ({"RestartPolicy": policy} if policy else {})
    return {"ID": "t", "ServiceID": "s1", "NodeID": node, "Spec": made_from, "DesiredState": desired, "Status": status}


RUNS, STARTS, WAITS = task("running"), task("starting"), task("pending", err=NO_NODE)
GONE = task("shutdown", desired="shutdown")
OLD = task("running", spec=OLD_SPEC)
FAILED = task("failed", err="task: non-zero exit (1)", desired="shutdown")
REJECTED = task("rejected", err=MISSING, desired="shutdown")
ONCE = {"Condition": "none"}
JOB = {"ReplicatedJob": {"MaxConcurrent": 2, "TotalCompletions": 3}}


@pytest.mark.parametrize(
    ("told", "tasks"),
    [
        (service(2, 2), [RUNS, RUNS]),
        (service(0, 0), []),
        (service(2, 2, update="completed"), [RUNS, RUNS, GONE]),
        (service(1, 1), [RUNS, FAILED, FAILED]),
        (service(3, 3), [RUNS, RUNS, task("running", spec=SPEC | {"Placement": {"Constraints": ["node.role==worker"]}})]),
        (service(0, 2, policy=ONCE), [task("complete", desired="shutdown", policy=ONCE)] * 2),
        (service(1, 2, policy={"Condition": "on-failure"}), [
            task("complete", policy={"Condition": "on-failure"}), task("running", policy={"Condition": "on-failure"}),
        ]),
        (service(0, 2, completed=3, mode=JOB), [task("complete", desired="complete")] * 3),
        (service(0, 1, completed=1, mode={"ReplicatedJob": {}}), [task("complete", desired="complete")]),
        (service(0, 2, completed=2, mode={"GlobalJob": {}}), [task("complete", desired="complete")] * 2),
        (service(2, 2, mode={"Global": {}}), [RUNS, RUNS]),
    ],
    ids=[
        "all run", "none wanted", "updated", "recovered from two failures", "may run elsewhere from now on",
        "ran once, not restarted", "one of two has ended well", "job", "job of one", "global job", "global",
    ],
)  # fmt: skip
def test_settled(told: dict[str, Any], tasks: list[dict[str, Any]]) -> None:
    state = service_state("api", told, tasks)
    assert state.settled
    assert state.trouble == ""


@pytest.mark.parametrize(
    ("told", "tasks"),
    [
        (service(1, 2), [RUNS, STARTS]),
        (service(0, 2), []),
        (service(0, 1), [WAITS]),
        (service(0, 1), [FAILED, FAILED, STARTS]),
        (service(0, 1), [task("failed", spec=OLD_SPEC)] * 5),
        (service(2, 2, update="updating"), [RUNS, RUNS]),
        (service(2, 2, update="rollback_started"), [RUNS, RUNS]),
        (service(2, 2), [OLD, OLD]),
        (service(2, 2), [RUNS, OLD]),
        (service(3, 2), [RUNS, RUNS, task("running", desired="shutdown")]),
        (service(1, 1), [task("running", desired="shutdown"), STARTS]),
        (service(2, 2, completed=1, mode=JOB), [task("running", desired="complete")] * 2 + [task("complete", desired="complete")]),
        (service(0, 2, completed=1, mode={"GlobalJob": {}}), []),
        (service(1, 2, policy={"Condition": "on-failure", "MaxAttempts": 2}),
         [task("failed", policy={"Condition": "on-failure", "MaxAttempts": 2})] * 2),
    ],
    ids=[
        "one still starts", "not begun", "no machine for it", "two failures and another try", "failures of an earlier spec",
        "updating", "rolling back", "just updated: only old tasks", "one old task", "shrinking", "the one that runs is being stopped", "job not done", "global job not done",
        "attempts left",
    ],
)  # fmt: skip
def test_to_be_waited_for(told: dict[str, Any], tasks: list[dict[str, Any]]) -> None:
    state = service_state("api", told, tasks)
    assert not state.settled
    assert state.trouble == ""


@pytest.mark.parametrize(
    ("told", "tasks", "trouble"),
    [
        (None, [], "it is gone: somebody removed it"),
        (service(0, 1), [REJECTED], "its image cannot be had"),
        (service(1, 3), [RUNS, REJECTED], "its image cannot be had"),
        (service(0, 1), [FAILED] * 3, "3 of its tasks failed"),
        (service(0, 2, policy=ONCE), [task("failed", policy=ONCE), task("complete", policy=ONCE)],
         "a task failed, and it is not to be restarted"),
        (service(0, 1, policy={"Condition": "any", "MaxAttempts": 1}),
         [task("failed", policy={"Condition": "any", "MaxAttempts": 1})] * 2, "2 of its tasks failed"),
        (service(2, 2, update="paused", message="update paused due to failure or early termination of task x"), [RUNS, OLD],
         "its update is paused (update paused due to failure or early termination of task x)"),
        (service(2, 2, update="rollback_paused"), [OLD, OLD], "its update failed, and so did going back"),
        (service(2, 2, update="rollback_completed", message="a\x1b[2J"), [OLD, OLD],
         r"its update failed and was rolled back (a\x1b[2J)"),
        (service(0, 2, mode=JOB), [FAILED] * 3, "3 of its tasks failed"),
    ],
)  # fmt: skip
def test_not_worth_waiting_for(told: dict[str, Any] | None, tasks: list[dict[str, Any]], trouble: str) -> None:
    state = service_state("api", told, tasks)
    assert not state.settled
    assert state.trouble == trouble


def test_what_ran_on_a_machine_that_is_down_does_not_run() -> None:
    """Swarm counts it for a day. Its replacement is what is waited for."""
    lost = task("running", node="dead", desired="shutdown")
    down = frozenset({"dead"})
    assert not service_state("api", service(2, 2), [RUNS, lost, STARTS], down=down).settled
    state = service_state("api", service(3, 2), [RUNS, RUNS, lost], down=down)
    assert state.settled
    assert (state.running, state.wanted) == (2, 2)
    old = task("running", node="dead", spec=OLD_SPEC)
    assert service_state("api", service(3, 2), [RUNS, RUNS, old], down=down).settled


@pytest.mark.parametrize("mode", ["Global", "GlobalJob"])
def test_a_service_for_every_machine_gets_its_tasks_a_moment_later(mode: str) -> None:
    told = service(0, 0, mode={mode: {}})
    assert not service_state("api", told, [], fresh=True).settled
    assert service_state("api", told, [], fresh=False).settled


def test_errors_are_told_the_most_frequent_first_and_printable() -> None:
    tasks = [FAILED, REJECTED, FAILED, task("failed", err="\x1b[2Jhacked"), task("failed"), WAITS, RUNS, STARTS]
    assert service_state("api", service(1, 9), tasks).errors == (
        "api: task: non-zero exit (1) (2 times)",
        f"api: {MISSING}",
        r"api: \x1b[2Jhacked",
        "api: its container ended",
        f"api: {NO_NODE}",
    )
