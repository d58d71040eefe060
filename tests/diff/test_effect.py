"""What an update does to tasks, as swarmkit decides it; tests/e2e/test_effects.py holds it against the real one."""

from typing import Any

import pytest

from deployer.diff.body import normalise_service
from deployer.diff.effect import Effect, effect
from tests.literals.live import deploy_service
from tests.literals.stacks import make_service, with_constraints, with_container, with_template
from tests.literals.swarm import make_member

MEMBERS = (
    make_member("m", "manager", labels={"zone": "a"}),
    make_member("w1", labels={"zone": "a"}),
    make_member("w2", labels={"zone": "b"}),
)
WEB = make_service("s_web", 3)


def placed(*constraints: str) -> dict[str, Any]:
    return with_constraints(WEB, *constraints)


def said(old: dict[str, Any], new: dict[str, Any], **state: Any) -> str:
    seen = deploy_service(old, **state)
    return str(effect(seen, normalise_service(old, {}), normalise_service(new, {}), MEMBERS))


@pytest.mark.parametrize(
    ("old", "new", "expected"),
    [
        (WEB, {**WEB, "Labels": {"x": "y"}}, "restarts nothing"),
        (WEB, {**WEB, "UpdateConfig": {"Parallelism": 2}}, "restarts nothing"),
        (WEB, make_service("s_web", 5), "starts 2 tasks"),
        (WEB, make_service("s_web", 2), "stops 1 task"),
        (WEB, make_service("s_web", 3, "app:2"), "restarts 3 tasks, 1 at a time, stop-first"),
        (WEB, make_service("s_web", 1, "app:2"), "restarts 1 task, stop-first; stops 2 tasks"),
        (WEB, make_service("s_web", 4, "app:2"), "restarts 3 tasks, 1 at a time, stop-first; starts 1 task"),
        (make_service("s_web", 0), make_service("s_web", 0, "app:2"), "restarts nothing"),
        (WEB, {**make_service("s_web", 3, "app:2"), "UpdateConfig": {"Parallelism": 0}}, "restarts 3 tasks, all at once, stop-first"),
        (WEB, {**make_service("s_web", 3, "app:2"), "UpdateConfig": {"Parallelism": 2, "Order": "start-first"}}, "restarts 3 tasks, 2 at a time, start-first"),
        (WEB, {**make_service("s_web", 3, "app:2"), "UpdateConfig": {"Parallelism": 9}}, "restarts 3 tasks, all at once, stop-first"),
        (WEB, {**WEB, "EndpointSpec": {"Ports": [{"TargetPort": 80}]}}, "restarts 3 tasks, 1 at a time, stop-first"),
        (WEB, with_template(WEB, RestartPolicy={"MaxAttempts": 3}), "restarts 3 tasks, 1 at a time, stop-first"),
        (WEB, with_template(WEB, Resources={"Limits": {"MemoryBytes": 1}}), "restarts 3 tasks, 1 at a time, stop-first"),
        (WEB, with_container(WEB, Labels={"x": "y"}), "restarts 3 tasks, 1 at a time, stop-first"),
        (WEB, placed("node.platform.os==linux"), "restarts at most 3 tasks, 1 at a time, stop-first"),
        (WEB, placed("node.role!=none"), "restarts nothing"),
        (WEB, placed("node.labels.zone == b"), "restarts at most 3 tasks, 1 at a time, stop-first"),
        (placed("node.labels.zone==a"), placed("node.labels.zone!=b"), "restarts nothing"),
        (placed("node.labels.zone==a"), WEB, "restarts nothing"),
        (WEB, with_template(WEB, Placement={"Preferences": [{"Spread": {"SpreadDescriptor": "node.labels.zone"}}]}), "restarts nothing"),
        (placed("node.role==manager"), with_container(placed("node.role==worker"), TTY=True), "restarts 3 tasks, 1 at a time, stop-first"),
    ],
)  # fmt: skip
def test_replicated(old: dict[str, Any], new: dict[str, Any], expected: str) -> None:
    assert said(old, new) == expected


def everywhere(*constraints: str, image: str = "app:1") -> dict[str, Any]:
    return with_constraints(make_service("s_all", image=image, Mode={"Global": {}}), *constraints)


@pytest.mark.parametrize(
    ("old", "new", "expected"),
    [
        (everywhere(), everywhere(image="app:2"), "restarts 3 tasks, 1 at a time, stop-first"),
        (everywhere(), everywhere("node.role==worker"), "stops 1 task"),
        (everywhere("node.role==worker"), everywhere(), "starts 1 task"),
        (everywhere("node.role==worker"), everywhere("node.labels.zone==a"), "starts 1 task; stops 1 task"),
        (everywhere(), {**everywhere(), "Labels": {"a": "b"}}, "restarts nothing"),
    ],
)
def test_global(old: dict[str, Any], new: dict[str, Any], expected: str) -> None:
    wanted = 3 if not old["TaskTemplate"]["Placement"]["Constraints"] else 2
    assert said(old, new, running=wanted, wanted=wanted) == expected


def test_a_job_runs_again_whatever_changes() -> None:
    job = make_service("s_job", Mode={"ReplicatedJob": {"MaxConcurrent": 1}})
    assert said(job, {**job, "Labels": {"a": "b"}}) == "runs the job again"


def test_tasks_that_may_have_ended() -> None:
    once = with_template(WEB, RestartPolicy={"Condition": "none"})
    assert said(once, with_container(once, TTY=True)) == "restarts at most 3 tasks, 1 at a time, stop-first"


def test_the_rest_of_an_update_that_was_given_up() -> None:
    assert str(Effect(rest=True, at_once=0)) == "restarts the tasks that are not as defined, all at once, stop-first"
