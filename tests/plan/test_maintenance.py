"""Machines that are worked on, one after the other: the order, the waits, and what is refused beforehand."""

from collections.abc import Sequence
from textwrap import dedent
from typing import Any

from deployer.model.cluster import Consul
from deployer.model.observed import LiveService, Machine, Observed, Unreachable
from deployer.plan.maintenance import Manner, RestartMachine, Work, maintenance_plan
from deployer.plan.steps import Plan
from deployer.plan.text import plan_text
from tests.decisions import list_kinds, list_refusals
from tests.literals.desired import make_cluster, make_desired, make_node
from tests.literals.live import deploy_service
from tests.literals.machines import DOWN
from tests.literals.stacks import make_service, with_constraints, with_container
from tests.literals.swarm import change_member, make_standing
from tests.model_cluster import run_plan

ROLLING = Manner(rolling=True)
FORCED = Manner(rolling=True, force=True)
AT_ONCE = Manner(rolling=False)
MANAGERS = ("m1", "m2", "m3")
NODES = (
    make_node("c1", "none", consul="server"),
    *(make_node(name, "manager") for name in MANAGERS),
    make_node("w1"),
    make_node("w2", availability="pause"),
)
WEB = deploy_service(make_service("web_app", 2))


def seen(*services: LiveService, **machines: Machine | Unreachable) -> Observed:
    return make_standing(MANAGERS, ("w1", "w2"), others=("c1",), services=services or (WEB,), machines=machines)


def planned(
    names: Sequence[str], manner: Manner = ROLLING, observed: Observed | None = None, **tasks: tuple[str, ...]
) -> Plan:
    wanted = make_desired(make_cluster(*NODES, consul=Consul()))
    works = [Work(name, (RestartMachine(name, "machine", 300),)) for name in names]
    here = {f"n-{name}": services for name, services in tasks.items()}
    return maintenance_plan(wanted, observed or seen(), here, works, manner)


def test_workers_come_first_and_the_leader_last() -> None:
    text = plan_text(planned(["m1", "m2", "c1", "w1"]))
    assert text == dedent("""\
        Plan for sandbox at 0123456789

        ~ #1 w1: drain: its tasks go elsewhere (asked for)
        . #2 w1: wait up to 180 s until it is empty and web_app runs in full without it
        ~ #3 w1: reboot, and wait until it is back (asked for)
        . #4 w1: wait up to 180 s until it is ready
        ~ #5 w1: activate: it takes tasks again (asked for)
        . #6 w1: wait up to 180 s until it is ready and web_app runs in full
        ~ #7 c1: reboot, and wait until it is back (asked for)
        . #8 c1: wait until Consul has a leader
        ~ #9 m2: drain: its tasks go elsewhere (asked for)
        . #10 m2: wait up to 180 s until it is empty and web_app runs in full without it
        ~ #11 m2: reboot, and wait until it is back (asked for)
        . #12 m2: wait up to 180 s until it is ready
        ~ #13 m2: activate: it takes tasks again (asked for)
        . #14 m2: wait up to 180 s until it is ready and web_app runs in full
        ~ #15 m1: drain: its tasks go elsewhere (asked for)
        . #16 m1: wait up to 180 s until it is empty and web_app runs in full without it
        ~ #17 m1: reboot, and wait until it is back (asked for)
        . #18 m1: wait up to 180 s until it is ready
        ~ #19 m1: activate: it takes tasks again (asked for)
        . #20 m1: wait up to 180 s until it is ready and web_app runs in full

        Plan: 0 to add, 10 to change, 0 to remove (0 unchanged).
        """)


def test_each_step_needs_the_one_before_it() -> None:
    """So that the first trouble ends the run: nothing is done to a second machine."""
    steps = planned(["w1", "m2"]).steps
    assert [step.needs for step in steps] == [(), *((number,) for number in range(1, len(steps)))]


def test_a_manager_that_goes_away_is_not_the_one_that_is_asked() -> None:
    for step in planned(["m1", "m2"]).steps:
        assert getattr(step.operation, "via", "") != getattr(step.operation, "node", None)


def test_afterwards_the_cluster_is_as_it_was() -> None:
    assert run_plan(seen(), planned(["m1", "m2", "w1"])) == seen()


def test_a_machine_goes_back_to_the_availability_that_git_says() -> None:
    assert "w2: pause: it gets no new tasks" in plan_text(planned(["w2"]))


def test_a_machine_that_is_drained_already_stays_so() -> None:
    plan = planned(["w1"], observed=change_member(seen(), "n-w1", availability="drain"))
    assert list_kinds(plan) == ["RestartMachine", "AwaitReady"]


def test_all_at_once_nobody_is_drained() -> None:
    plan = planned(["w1", "w2"], AT_ONCE)
    assert list_kinds(plan) == ["RestartMachine", "AwaitReady"] * 2
    assert [step.needs for step in plan.steps] == [(), (1,), (), (3,)]


class TestRefused:
    def test_the_quorum(self) -> None:
        lame = change_member(seen(), "n-m3", state="down")
        assert list_refusals(planned(["w1", "m2"], observed=lame)) == [
            "m2: 1 of 3 managers would be left while it is away"
        ]
        assert planned(["m2"], FORCED, lame).steps

    def test_two_of_three_at_once(self) -> None:
        assert list_refusals(planned(["m2", "m3"], AT_ONCE)) == [
            "m2 and m3: 1 of 3 managers would be left while it is away"
        ]
        assert planned(["m2"], AT_ONCE).steps

    def test_a_service_that_cannot_run_elsewhere(self) -> None:
        body = with_constraints(make_service("db_redis", 1), "node.hostname == w1")
        look = seen(WEB, deploy_service(body))
        assert list_refusals(planned(["w1"], observed=look, w1=("db_redis",))) == [
            "w1: db_redis cannot run elsewhere: there is no other machine that has node.hostname == w1"
        ]
        assert planned(["w2"], observed=look, w1=("db_redis",)).steps, "it is not on that machine"
        forced = planned(["w1"], FORCED, look, w1=("db_redis",))
        waits = [step.operation.services for step in forced.steps if hasattr(step.operation, "services")]
        assert waits == [("web_app",), (), ("web_app", "db_redis")], "waited for only when the machine is back"

    def test_a_service_that_leaves_its_data_behind(self) -> None:
        mounts: list[dict[str, Any]] = [{"Type": "volume", "Source": "data", "Target": "/data"}]
        look = seen(deploy_service(with_container(make_service("db_redis", 1), Mounts=mounts)))
        assert list_refusals(planned(["w1"], observed=look, w1=("db_redis",))) == [
            "w1: db_redis keeps data there (volume data), and would start elsewhere without it"
        ]

    def test_what_is_not_well_already(self) -> None:
        ill = seen(deploy_service(make_service("web_app", 2), running=1))
        assert list_refusals(planned(["w1", "w2"], observed=ill)) == [
            "web_app: 1 of its 2 tasks run, before anything is done"
        ]
        assert planned(["w1"], FORCED, ill).steps

    def test_a_machine_that_cannot_be_reached(self) -> None:
        plan = planned(["w1", "w2"], observed=seen(w1=DOWN))
        assert [(one.subject, one.unreachable) for one in plan.blocked] == [("w1", True)]
        assert plan.steps == (), "nothing is begun that could not be ended"
