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
        (service(1, 1), [FAILED, FAILED, task("ready")]),
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
        "one still starts", "not begun", "no machine for it", "ran a moment ago", "two failures and another try", "failures of an earlier spec",
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


def test_an_engine_that_kept_an_earlier_network_is_to_be_restarted() -> None:
    said = (
        'network sandbox join failed: subnet sandbox join failed for "10.0.2.0/24": '
        "error creating vxlan interface: file exists"
    )
    (error,) = service_state("web", service(0, 1), [task("failed", err=said)]).errors
    remedy = "; its machine has an earlier network: apply again, or deployer machine restart --engine MACHINE"
    assert error == f"web: {said}{remedy}"
    (error,) = service_state("web", service(0, 1), [task("failed", err=said)] * 2).errors
    assert error == f"web: {said} (2 times){remedy}", "the tasks failed twice: nobody is to restart it twice"


def test_a_program_that_has_the_port_of_overlay_networks_is_to_be_found() -> None:
    """As engine 20.10.24 said it while a program listened at 4789/udp of a machine that had just joined."""
    said = (
        'network sandbox join failed: subnet sandbox join failed for "10.0.2.0/24": '
        'vxlan interface creation failed for subnet "10.0.2.0/24": failed to set link up: address already in use'
    )
    (error,) = service_state("web", service(0, 1), [task("failed", err=said)]).errors
    assert error.startswith(f"web: {said}; a program on its machine has UDP port 4789")
    assert "ss -lunp 'sport = 4789'" in error


def checked(told: dict[str, Any]) -> dict[str, Any]:
    """The same with a health check, and a task's spec that fits it."""
    template = told["Spec"]["TaskTemplate"]
    container = template["ContainerSpec"] | {"Healthcheck": {"Test": ["CMD", "check"]}}
    return told | {"Spec": told["Spec"] | {"TaskTemplate": template | {"ContainerSpec": container}}}


def of(told: dict[str, Any], state: str, err: str = "") -> dict[str, Any]:
    return task(state, err=err, spec=told["Spec"]["TaskTemplate"], desired="shutdown")


def test_one_unhealthy_task_is_enough() -> None:
    told = checked(service(0, 1))
    sick = of(told, "failed", "task: non-zero exit (137): dockerexec: unhealthy container")
    assert service_state("api", told, [sick]).trouble == "a task is unhealthy"
    polite = service_state("api", told, [of(told, "complete")])
    assert polite.trouble == "a task ended although it was to go on: unhealthy, or its program ended"
    assert polite.errors == ("api: its container ended",)


def test_what_its_engine_calls_unhealthy_is_so_before_swarm_says_it() -> None:
    """Swarm stops the container first; with start-first the old task runs all the while, and says nothing for the new one."""
    sick = STARTS | {"ID": "sick", "Slot": 2}
    sick["Status"] = sick["Status"] | {"ContainerStatus": {"ContainerID": "c2"}}
    for tasks, running in (([sick], 0), ([OLD, sick], 1)):
        assert service_state("api", service(running, 1), tasks).trouble == ""
        state = service_state("api", service(running, 1), tasks, unhealthy=frozenset({"c2"}))
        assert state.trouble == "a task is unhealthy"
        assert not state.settled
        assert state.culprit
        assert (state.culprit.name, state.culprit.container) == ("api.2", "c2")
    going = sick | {"DesiredState": "shutdown"}
    assert service_state("api", service(1, 1), [RUNS, going], unhealthy=frozenset({"c2"})).trouble == "", (
        "not wanted any more"
    )
    of_another = service_state("api", service(0, 1), [sick], unhealthy=frozenset({"c1"}))
    assert of_another.trouble == ""


def test_a_missing_image_is_seen_while_the_old_task_is_still_being_stopped() -> None:
    """Swarm pulls the new task's image before it stops the old one, which takes it two seconds and more; that one counts as running."""
    for old in (OLD, OLD | {"DesiredState": "shutdown"}):
        rejected = REJECTED | {"DesiredState": "ready"}
        assert (
            service_state("api", service(1, 1, update="updating"), [old, rejected]).trouble == "its image cannot be had"
        )
    healed = service_state("api", service(1, 1), [RUNS, REJECTED])
    assert (healed.trouble, healed.settled) == ("", True), "another machine had it"


@pytest.mark.parametrize("state", ["running", "starting"])
def test_what_is_on_its_way_out_is_waited_for(state: str) -> None:
    assert not service_state("api", service(1, 1), [RUNS, task(state, desired="shutdown")]).settled
    assert service_state("api", service(1, 1), [RUNS, task("shutdown", desired="shutdown")]).settled


def test_a_program_that_ends_well_and_was_to_go_on_fails() -> None:
    assert service_state("api", service(0, 1), [task("complete", desired="shutdown")] * 2).trouble == ""
    assert (
        service_state("api", service(0, 1), [task("complete", desired="shutdown")] * 3).trouble
        == "3 of its tasks failed"
    )


@pytest.mark.parametrize(
    ("error", "doubt"),
    [
        (NO_NODE, "no machine suits it (scheduling constraints not satisfied on 3 nodes)"),
        ("no suitable node (unsupported platform on 2 nodes; 1 node not available for new tasks)",
         "no machine suits it (unsupported platform on 2 nodes; 1 node not available for new tasks)"),
        ("no suitable node (scheduling constraints not satisfied on 2 nodes; insufficient resources on 1 node)", ""),
        ("no suitable node (host-mode port already in use on 3 nodes)", ""),
        ("", ""),
    ],
)  # fmt: skip
def test_a_task_that_no_machine_will_ever_suit(error: str, doubt: str) -> None:
    waits = task("pending", err=error)
    state = service_state("api", service(0, 1), [waits])
    assert (state.doubt, state.trouble) == (doubt, "")
    assert service_state("api", service(0, 1), [waits], down=frozenset({"n9"})).doubt == "", "it may come back"


def test_what_an_update_failed_of_comes_before_that_it_is_paused() -> None:
    told = service(1, 1, update="paused", message="update paused")
    assert service_state("api", told, [OLD, REJECTED]).trouble == "its image cannot be had"


def test_of_what_swarm_rolled_back_the_failed_tasks_are_those_of_the_other_spec() -> None:
    told = service(1, 1, update="rollback_completed")
    failed = task("failed", err="boom", spec=OLD_SPEC, desired="shutdown")
    failed["Status"]["ContainerStatus"] = {"ContainerID": "c1"}
    state = service_state("api", told, [RUNS, failed])
    assert state.errors == ("api: boom",)
    assert state.culprit is not None
    assert state.culprit.container == "c1"
    assert service_state("api", told, [RUNS], returning=True).settled


@pytest.mark.parametrize(
    ("told", "settled"),
    [
        (service(1, 1, policy=ONCE), False),
        (service(1, 1, policy={"Condition": "on-failure"}), True),
        (checked(service(1, 1, policy=ONCE)), True),
    ],
    ids=["is to end", "may go on", "has a health check"],
)
def test_what_runs_once_is_done_when_it_has_ended(told: dict[str, Any], *, settled: bool) -> None:
    runs = task("running", spec=told["Spec"]["TaskTemplate"])
    assert service_state("api", told, [runs]).settled is settled
    assert not service_state("api", told, [runs], complete=True).settled


def test_what_is_restarted_for_ever_never_completes() -> None:
    assert "it never completes" in service_state("api", service(1, 1), [RUNS], complete=True).trouble


@pytest.mark.parametrize(("monitor", "seconds"), [(None, 5.0), (2_000_000_000, 2.0)])
def test_a_new_task_without_a_health_check_has_to_stay(monitor: int | None, seconds: float) -> None:
    told = service(1, 1)
    told["Spec"]["UpdateConfig"] = {"Monitor": monitor} if monitor else {}
    assert service_state("api", told, [RUNS]).steady_seconds == seconds
    assert service_state("api", told, [RUNS], proven=frozenset({"t"})).steady_seconds == 0.0
    assert service_state("api", told, [RUNS, FAILED], proven=frozenset({"t"})).steady_seconds == seconds
    with_check = checked(told)
    assert service_state("api", with_check, [of(with_check, "running")]).steady_seconds == 0.5


def test_the_last_that_failed_says_most() -> None:
    def failed(id_: str, second: int, container: str) -> dict[str, Any]:
        status = {
            "State": "failed",
            "Timestamp": f"2026-01-01T00:00:0{second}Z",
            "ContainerStatus": {"ContainerID": container},
        }
        return FAILED | {"ID": id_, "Slot": 2, "Status": status}

    state = service_state(
        "api", service(0, 1), [failed("a", 1, "c1"), failed("b", 3, "c3"), failed("c", 4, ""), STARTS]
    )
    assert state.culprit is not None
    assert (state.culprit.id, state.culprit.name, state.culprit.node) == ("b", "api.2", "n1")
    assert service_state("api", service(0, 1), [REJECTED]).culprit is None
