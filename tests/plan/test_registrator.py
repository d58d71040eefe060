"""The registrator comes after Consul and before the stacks, and holds neither up."""

from dataclasses import replace
from textwrap import dedent

from deployer.model.registrator import Registrator
from deployer.plan.machines import RunContainer
from deployer.plan.operations import describe
from deployer.plan.registrator import BuildImage
from deployer.plan.text import plan_text
from tests.decisions import decide, find_step, list_skipped
from tests.literals.demo import BARE, DEMO, STEPS_OF_STACKS, make_demo, plan_demo
from tests.literals.desired import make_desired
from tests.literals.swarm import change_swarm

WITH = replace(DEMO, registrator=Registrator(), registrator_image="deployer-registrator:0123456789ab")
FIRST = plan_demo(BARE, WITH)


def test_a_registrator_for_a_standing_cluster() -> None:
    found = decide(make_desired(WITH), change_swarm(make_demo(), services=(), objects=()))
    assert plan_text(found) == dedent("""\
        Plan for sandbox at 0123456789

        + #1 consul: build deployer-registrator:0123456789ab on python:3.12-slim (not found)
        + #2 master: build deployer-registrator:0123456789ab on python:3.12-slim (not found)
        + #3 slave: build deployer-registrator:0123456789ab on python:3.12-slim (not found)
        + #4 slave2: build deployer-registrator:0123456789ab on python:3.12-slim (not found)
        + #5 consul: run deployer-registrator from deployer-registrator:0123456789ab (not found)
        + #6 master: run deployer-registrator from deployer-registrator:0123456789ab (not found)
        + #7 slave: run deployer-registrator from deployer-registrator:0123456789ab (not found)
        + #8 slave2: run deployer-registrator from deployer-registrator:0123456789ab (not found)

        Plan: 8 to add, 0 to change, 0 to remove (11 unchanged).
        """)
    assert [step.needs for step in found.steps] == [(), (), (), (), (1,), (2,), (3,), (4,)]


def test_one_that_moves_says_where_it_was() -> None:
    operation = RunContainer("slave", "deployer-registrator", "deployer-registrator:1", {}, leaves="10.0.0.1")
    assert describe(operation) == (
        "slave",
        "run deployer-registrator from deployer-registrator:1, and take what it registered out of the Consul at 10.0.0.1",
    )


def test_one_that_cannot_be_built_costs_itself_only() -> None:
    assert list_skipped(FIRST, find_step(FIRST, "slave2", "build")) == {"slave2: run"}


def test_it_starts_when_consul_has_ended_however_it_ended() -> None:
    run = FIRST.steps[find_step(FIRST, "slave", "run deployer-registrator") - 1]
    assert find_step(FIRST, "consul", "wait") in run.follows
    assert not {"slave: run", "master: run"} & list_skipped(FIRST, find_step(FIRST, "consul", "run deployer-consul"))


def test_images_are_built_while_consul_starts() -> None:
    builds = [step for step in FIRST.steps if isinstance(step.operation, BuildImage)]
    assert [step.follows for step in builds] == [()] * 4


def test_the_stacks_wait_for_it_and_do_not_need_it() -> None:
    run = find_step(FIRST, "slave", "run deployer-registrator")
    assert not STEPS_OF_STACKS & list_skipped(FIRST, run)
    assert run in FIRST.steps[find_step(FIRST, "swarmtest_redis", "create") - 1].follows
