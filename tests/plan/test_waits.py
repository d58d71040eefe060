"""Waits inside a stack, and what a service that fails goes back to."""

from __future__ import annotations

from dataclasses import replace
from textwrap import dedent
from typing import TYPE_CHECKING

import pytest

from deployer.model.stack import Condition, Dependency, OnFailure
from deployer.plan.stacks import AwaitServices, Back, RollBackStack
from deployer.plan.text import plan_text
from tests.decisions import decide
from tests.literals.desired import ALONE, make_desired, make_source
from tests.literals.live import deploy_service
from tests.literals.stacks import make_service, make_stack, with_template
from tests.literals.swarm import make_standing

if TYPE_CHECKING:
    from deployer.model.observed import LiveService
    from deployer.model.stack import Body
    from deployer.plan.steps import Plan

DB = make_service("s_db", 1, "db:1")
MIGRATE = make_service("s_migrate", 1, "web:1")
WEB = make_service("s_web", 3, "web:1")


def plan(
    *order: Dependency,
    alive: tuple[LiveService, ...] = (),
    on_failure: OnFailure = "rollback",
    services: tuple[Body, ...] = (DB, MIGRATE, WEB),
) -> Plan:
    wanted = make_desired(ALONE, make_source("s", wait="60s", on_failure=on_failure))
    return decide(wanted, make_standing(services=alive), [make_stack("s", *services, order=order)])


def body(of: Plan) -> str:
    """The steps' lines without the fields that differ."""
    lines = plan_text(of).splitlines()[2:-2]
    return "\n".join(line for line in lines if " -> " not in line) + "\n"


ORDER = (
    Dependency("s_migrate", "s_db", "healthy"),
    Dependency("s_web", "s_db", "healthy"),
    Dependency("s_web", "s_migrate", "completed"),
)


def test_conditions_become_waits_each_once() -> None:
    found = plan(*ORDER)
    assert body(found) == dedent("""\
        + #1 s_db: create service, 1 replica (not found)
        . #2 s: wait up to 60 s for s_db to be healthy
        + #3 s_migrate: create service, 1 replica (not found)
        . #4 s: wait up to 60 s for s_migrate to complete
        + #5 s_web: create service, 3 replicas (not found)
        . #6 s: wait up to 60 s for s_db, s_migrate, s_web
        """)
    assert [step.needs for step in found.steps] == [(), (1,), (2,), (3,), (1, 2, 4), ()]
    assert found.steps[5].any_of == (2, 4, 5)


def test_what_has_no_condition_costs_no_wait() -> None:
    found = plan(Dependency("s_web", "s_db"), Dependency("s_migrate", "s_db"))
    assert sum(isinstance(step.operation, AwaitServices) for step in found.steps) == 1
    assert [step.needs for step in found.steps] == [(), (1,), (1,), ()]


@pytest.mark.parametrize("condition", ["healthy", "completed"])
def test_what_is_as_it_should_be_is_not_waited_for(condition: Condition) -> None:
    found = plan(Dependency("s_web", "s_db", condition), alive=(deploy_service(DB), deploy_service(MIGRATE)))
    assert body(found) == dedent("""\
        + #1 s_web: create service, 3 replicas (not found)
        . #2 s: wait up to 60 s for s_web
        """)


def test_what_is_not_settled_is_waited_for() -> None:
    found = plan(Dependency("s_web", "s_db", "healthy"), alive=(deploy_service(DB, running=0), deploy_service(MIGRATE)))
    assert body(found) == dedent("""\
        . #1 s: wait up to 60 s for s_db to be healthy
        + #2 s_web: create service, 3 replicas (not found)
        . #3 s: wait up to 60 s for s_db, s_web
        """)
    assert found.steps[2].any_of == (1, 2)


def test_what_is_not_required_is_followed_not_needed() -> None:
    found = plan(Dependency("s_web", "s_db", "healthy", required=False), services=(DB, WEB))
    assert [(step.needs, step.follows) for step in found.steps[:3]] == [((), ()), ((1,), ()), ((), (2,))]


OLD_WEB, OLD_DB = (
    deploy_service(make_service("s_web", 3, "web:0@sha256:1")),
    deploy_service(make_service("s_db", 1, "db:0")),
)


def backs(of: Plan) -> list[tuple[str, str]]:
    return [
        (back.service, str(back.seen.spec["TaskTemplate"]["ContainerSpec"]["Image"]))
        for step in of.steps
        if isinstance(step.operation, AwaitServices | RollBackStack)
        for back in step.operation.back
    ]


def test_a_service_that_fails_goes_back_to_what_ran() -> None:
    found = plan(alive=(OLD_DB, deploy_service(MIGRATE), OLD_WEB))
    assert body(found) == dedent("""\
        ~ #1 s_db: update service, 1 replica (changed in git): restarts 1 task, stop-first
        ~ #2 s_web: update service, 3 replicas (changed in git): restarts 3 tasks, 1 at a time, stop-first
        . #3 s: wait up to 60 s for s_db, s_web
               on failure: s_db back to image db:0, 1 replica
               on failure: s_web back to image web:0, 3 replicas
        """)
    wait = found.steps[2].operation
    assert isinstance(wait, AwaitServices)
    update = found.steps[1].operation
    assert wait.back[1] == Back("s_web", OLD_WEB, getattr(update, "body")["Labels"]["deployer.hash"])  # noqa: B009 - of a union


@pytest.mark.parametrize(
    "seen",
    [
        replace(OLD_WEB, running=2),
        replace(OLD_WEB, update_state="paused"),
        replace(OLD_WEB, update_state="updating"),
        deploy_service(with_template(make_service("s_web", 3, "web:0"), RestartPolicy={"Condition": "none"})),
    ],
    ids=["not all ran", "paused", "was being updated", "runs once"],
)
def test_there_is_nothing_to_go_back_to_where_nothing_ran_well(seen: LiveService) -> None:
    assert backs(plan(alive=(deploy_service(DB), deploy_service(MIGRATE), seen))) == []


def test_a_new_service_stays_to_be_looked_at() -> None:
    assert backs(plan(alive=(deploy_service(DB), deploy_service(MIGRATE)))) == []


def test_stop_leaves_everything_as_it_is() -> None:
    assert backs(plan(alive=(OLD_DB, deploy_service(MIGRATE), OLD_WEB), on_failure="stop")) == []


def test_the_whole_stack_goes_back() -> None:
    found = plan(*ORDER, alive=(OLD_DB, OLD_WEB), on_failure="rollback-stack")
    assert body(found) == dedent("""\
        ~ #1 s_db: update service, 1 replica (changed in git): restarts 1 task, stop-first
        . #2 s: wait up to 60 s for s_db to be healthy
        + #3 s_migrate: create service, 1 replica (not found)
        . #4 s: wait up to 60 s for s_migrate to complete
        ~ #5 s_web: update service, 3 replicas (changed in git): restarts 3 tasks, 1 at a time, stop-first
        . #6 s: wait up to 60 s for s_db, s_migrate, s_web
        . #7 s: where one of them fails, the whole stack goes back
               s_db to image db:0, 1 replica
               s_web to image web:0, 3 replicas
               s_migrate is removed
        """)
    last = found.steps[6]
    assert (last.needs, last.follows, last.rescues) == ((), (1, 2, 3, 4, 5, 6), (1, 2, 3, 4, 5, 6))
    assert all(step.operation.hasty for step in found.steps if isinstance(step.operation, AwaitServices))
