"""A plan restricted to some stacks: nothing else is done, and nothing is done without what it needs."""

from __future__ import annotations

from dataclasses import replace

import pytest

from deployer.diff.cause import Cause
from deployer.diff.change import Blocked
from deployer.errors import UsageError
from deployer.model.desired import Desired
from deployer.plan.machines import InstallEngine
from deployer.plan.only import restrict_plan, unknown_stacks
from deployer.plan.stacks import AwaitServices, CreateObject, CreateService, RollBackStack
from deployer.plan.steps import Plan, Step
from deployer.plan.text import plan_text
from tests.literals.desired import make_cluster, make_source

WANTED = Desired("worktree", make_cluster(), (make_source("db"), make_source("web"), make_source("web_x")))


def step(number: int, stack: str, *needs: int) -> Step:
    body = {"Name": f"{stack}_a"}
    return Step(number, CreateService(stack, f"{stack}_a", body), Cause.NOT_FOUND, needs=needs, follows=(1,))


WHOLE = Plan(
    "test", "1" * 40,
    (
        Step(1, InstallEngine("m2", "distro"), Cause.NOT_FOUND),
        Step(2, CreateObject("network", "db", "db_front", {}), Cause.NOT_FOUND),
        step(3, "db", 2),
        Step(4, AwaitServices("db", ("db_a",), 10), None, needs=(3,)),
        step(5, "web", 4),
        Step(6, AwaitServices("web", ("web_a",), 10), None, needs=(4, 5)),
    ),
    unchanged=7, manager="m1",
)  # fmt: skip


def test_steps_of_other_stacks_and_of_machines_are_left_out_and_waits_for_them_too() -> None:
    plan = restrict_plan(WHOLE, ["web"], WANTED)
    assert [(one.number, type(one.operation).__name__, one.needs, one.follows) for one in plan.steps] == [
        (1, "CreateService", (), ()),
        (2, "AwaitServices", (1,), ()),
    ]
    assert plan.blocked == ()
    assert plan_text(plan).startswith("Plan for test at 1111111111, only web\n")


def test_both_stacks_keep_their_order() -> None:
    plan = restrict_plan(WHOLE, ["db", "web"], WANTED)
    assert [one.needs for one in plan.steps] == [(), (1,), (2,), (3,), (3, 4)]


def test_waits_and_rescues_name_the_steps_by_their_new_numbers() -> None:
    """A wait that named another stack's step as it was numbered before was skipped: nobody had done that step."""
    wait = Step(6, AwaitServices("web", ("web_a",), 10), None, any_of=(5,))
    back = Step(7, RollBackStack("web", 10, (), ("web_a",)), None, rescues=(5, 6))
    plan = restrict_plan(replace(WHOLE, steps=(*WHOLE.steps[:5], wait, back)), ["web"], WANTED)
    assert [(one.any_of, one.rescues) for one in plan.steps] == [((), ()), ((1,), ()), ((), (1, 2))]


def test_where_nothing_is_made_nothing_is_waited_for() -> None:
    wait = Step(6, AwaitServices("web", ("web_a",), 10), None, any_of=(5,))
    needing = replace(WHOLE, steps=(*WHOLE.steps[:4], step(5, "web", 2), wait))
    assert restrict_plan(needing, ["web"], WANTED).steps == ()


def test_what_another_stack_would_make_is_named() -> None:
    needing = replace(WHOLE, steps=(*WHOLE.steps[:4], step(5, "web", 2), *WHOLE.steps[5:]))
    plan = restrict_plan(needing, ["web"], WANTED)
    assert plan.steps == ()
    (lacking,) = plan.blocked
    assert (lacking.subject, lacking.reason) == ("web_a", "needs another step first, db_front: create network")
    assert lacking.help == "name that stack as well: --only db"
    assert len(restrict_plan(needing, ["db", "web"], WANTED).steps) == 5


def test_what_a_machine_lacks_is_named() -> None:
    needing = replace(WHOLE, steps=(*WHOLE.steps[:4], step(5, "web", 1)))
    (lacking,) = restrict_plan(needing, ["web"], WANTED).blocked
    assert lacking.help == "apply everything first: deployer apply"


def test_obstacles_of_other_stacks_are_left_out_and_those_of_machines_stay() -> None:
    blocked = tuple(
        Blocked(subject, "x")
        for subject in ("service db_a", "stack db", "service web_a", "service web_x_a", "stack web", "m3", "swarm")
    )
    plan = restrict_plan(replace(WHOLE, blocked=blocked), ["web"], WANTED)
    assert [one.subject for one in plan.blocked] == ["service web_a", "stack web", "m3", "swarm"]


def test_a_stack_that_there_is_not() -> None:
    unknown_stacks(["db", "web"], WANTED)
    with pytest.raises(UsageError, match="there is no stack 'wbe'") as caught:
        unknown_stacks(["wbe"], WANTED)
    assert caught.value.help == "did you mean 'web'?"
