"""What has to wait for what, and what must not: a plan walked with some of its steps failing."""

from collections.abc import Sequence
from dataclasses import replace

from deployer.model.cluster import Consul, Engine
from deployer.model.observed import Machine, Unreachable
from deployer.model.stack import Dependency
from deployer.plan import Plan, describe
from tests.literals.desired import make_cluster, make_node, make_source
from tests.literals.machines import make_engine, make_machine
from tests.literals.stacks import deploy_service, make_service, make_stack
from tests.literals.swarm import make_member, make_observed, make_swarm
from tests.plan.test_plans import MACHINES, NODES, only, plan, standing

BARE = make_observed({name: make_machine(address) for name, address in MACHINES.items()})
DEMO = plan(BARE)


def number(of: Plan, subject: str, words: str) -> int:
    """The number of the only step on `subject` whose description begins with `words`."""
    (found,) = [
        step.number
        for step in of.steps
        if describe(step.operation)[0] == subject and describe(step.operation)[1].startswith(words)
    ]
    return found


def skipped(of: Plan, *failing: int) -> set[str]:
    """What an executor does not try when these steps fail: `subject: first word`."""
    lost = set(failing)
    told = set()
    for step in of.steps:
        hopeless = step.any_of and lost >= set(step.any_of)
        if (lost & set(step.needs) or hopeless) and step.number not in failing:
            lost.add(step.number)
            subject, verb = describe(step.operation)
            told.add(f"{subject}: {verb.partition(' ')[0]}")
    return told


STACKS = {
    "swarmtest_default: create",
    "proxy_default: create",
    "swarmtest_redis: create",
    "swarmtest_web: create",
    "swarmtest: wait",
    "proxy_nginx-proxy: create",
    "proxy: wait",
}


def test_steps_are_numbered_from_one_and_wait_for_earlier_ones_only() -> None:
    assert [step.number for step in DEMO.steps] == list(range(1, 24))
    for step in DEMO.steps:
        assert all(0 < earlier < step.number for earlier in (*step.needs, *step.follows))
        assert not set(step.needs) & set(step.follows)


def test_machines_are_prepared_side_by_side() -> None:
    for name in MACHINES:
        step = DEMO.steps[number(DEMO, name, "install") - 1]
        assert step.needs == (number(DEMO, name, "write"),)
        assert step.follows == ()


def test_a_machine_that_cannot_be_provisioned_costs_itself_only() -> None:
    assert skipped(DEMO, number(DEMO, "slave2", "install")) == {"slave2: join", "slave2: register"}


def test_a_machine_that_cannot_join_costs_nothing() -> None:
    assert skipped(DEMO, number(DEMO, "slave2", "join")) == set()


def test_without_a_swarm_there_are_no_stacks_but_a_catalogue() -> None:
    assert skipped(DEMO, number(DEMO, "master", "start")) == {"slave: join", "slave2: join"} | STACKS


def test_without_consul_there_are_stacks_but_no_registrations() -> None:
    registrations = {"master: register", "slave: register", "slave2: register"}
    assert skipped(DEMO, number(DEMO, "consul", "run")) == {"consul: wait"} | registrations
    assert skipped(DEMO, number(DEMO, "consul", "wait")) == registrations


def test_a_service_that_is_not_made_costs_its_dependants_and_the_stacks_after() -> None:
    """The rest of its stack is waited for all the same, where there is a rest."""
    later = {"proxy_nginx-proxy: create", "proxy: wait"}
    assert skipped(DEMO, number(DEMO, "swarmtest_web", "create")) == later
    lost = {"swarmtest_web: create", "swarmtest: wait"}
    assert skipped(DEMO, number(DEMO, "swarmtest_redis", "create")) == later | lost


def test_a_stack_that_does_not_become_healthy_costs_the_stacks_after() -> None:
    assert skipped(DEMO, number(DEMO, "swarmtest", "wait")) == {"proxy_nginx-proxy: create", "proxy: wait"}


def test_stacks_without_an_order_do_not_wait_for_each_other() -> None:
    found = plan(BARE, sources=(make_source("swarmtest"), make_source("proxy")))
    assert skipped(found, number(found, "swarmtest", "wait")) == set()


def test_no_stack_begins_while_a_machine_is_still_being_prepared() -> None:
    """The services' first tasks are spread over all machines, not over the ones that were quick."""
    last = number(DEMO, "slave2", "register")
    for step in DEMO.steps[last:]:
        assert set(range(1, last + 1)) <= {*step.needs, *step.follows}


def test_what_lies_between_need_not_change() -> None:
    """`top` depends on `middle` on `bottom`; `middle` is as it should be."""
    middle = make_service("s_middle", 1)
    objects = make_stack(
        "s",
        make_service("s_bottom", 1),
        middle,
        make_service("s_a_top", 1),
        order=(Dependency("s_a_top", "s_middle"), Dependency("s_middle", "s_bottom")),
    )
    seen = standing(empty=True)
    assert seen.swarm is not None
    found = plan(
        only(replace(seen, swarm=replace(seen.swarm, services=(deploy_service(middle),))), "master"),
        make_cluster(NODES[1]),
        (make_source("s"),),
        (objects,),
    )
    assert [describe(step.operation)[0] for step in found.steps] == ["s_bottom", "s_a_top", "s"]
    assert [(step.needs, step.any_of) for step in found.steps] == [((), ()), ((1,), ()), ((), (1, 2))]


def test_a_circle_which_validation_refuses_ends_in_the_order_of_names() -> None:
    objects = make_stack(
        "s", make_service("s_b", 1), make_service("s_a", 1), order=(Dependency("s_a", "s_b"), Dependency("s_b", "s_a"))
    )
    seen = standing(empty=True)
    found = plan(only(seen, "master"), make_cluster(NODES[1]), (make_source("s", "s"),), (objects,))
    assert [describe(step.operation)[0] for step in found.steps] == ["s_a", "s_b", "s"]
    assert [(step.needs, step.any_of) for step in found.steps] == [((), ()), ((1,), ()), ((), (1, 2))]


class TestManagers:
    def members(self, wanted: Sequence[str], *, is_now: Sequence[str], **machines: Machine | Unreachable) -> Plan:
        """A plan for machines a to d of which `wanted` are to be managers and `is_now` are."""
        nodes = make_cluster(*(make_node(name, "manager" if name in wanted else "worker") for name in "abcd"))
        there: dict[str, Machine | Unreachable] = {
            name: make_machine(engine=make_engine(f"n-{name}", manager=name in is_now)) for name in "abcd"
        }
        seen = make_swarm(
            *(make_member(f"n-{name}", "manager" if name in is_now else "worker") for name in "abcd"), via=is_now[0]
        )
        return plan(make_observed(there | machines, seen), nodes, (), ())

    def test_nobody_is_demoted_when_somebody_could_not_be_promoted(self) -> None:
        found = self.members("bc", is_now="ab")
        assert [describe(step.operation)[0] for step in found.steps] == ["c", "a"]
        assert skipped(found, 1) == {"a: set"}

    def test_nor_when_a_new_manager_could_not_join(self) -> None:
        found = self.members("bd", is_now="ab", d=make_machine(engine=make_engine()))
        assert [describe(step.operation)[0] for step in found.steps] == ["d", "a"]
        assert skipped(found, 1) == {"a: set"}

    def test_a_manager_that_stays_one_is_asked(self) -> None:
        assert self.members("bc", is_now="ab").manager == "b"

    def test_where_none_stays_the_one_that_was_asked_is_asked_to_the_end(self) -> None:
        found = self.members("cd", is_now="ab")
        assert found.manager == "a"
        assert [describe(step.operation)[0] for step in found.steps] == ["c", "d", "b", "a"]

    def test_the_one_that_starts_the_swarm_is_asked(self) -> None:
        assert DEMO.manager == "master"

    def test_there_is_none_to_be_had(self) -> None:
        assert plan(make_observed({"a": make_machine()}), make_cluster(make_node("a", "none")), (), ()).manager == ""


def test_engines_that_restart_go_one_by_one_and_stop_at_the_first_that_does_not_come_back() -> None:
    nodes = make_cluster(*(make_node(name, "manager", daemon={"mtu": 1400}) for name in "abc"))
    there = {name: make_machine(engine=make_engine(f"n-{name}", manager=True)) for name in "abc"}
    seen = make_swarm(*(make_member(f"n-{name}", "manager") for name in "abc"), via="a")
    assert skipped(plan(make_observed(there, seen), nodes, (), ()), 1) == {"b: write", "c: write"}


def test_engines_that_only_reload_go_side_by_side() -> None:
    nodes = make_cluster(*(make_node(name, "manager", daemon={"debug": True}) for name in "abc"))
    there = {name: make_machine(engine=make_engine(f"n-{name}", manager=True)) for name in "abc"}
    seen = make_swarm(*(make_member(f"n-{name}", "manager") for name in "abc"), via="a")
    assert [step.needs for step in plan(make_observed(there, seen), nodes, (), ()).steps] == [(), (), ()]


def test_machines_join_when_the_managers_engine_has_restarted() -> None:
    nodes = make_cluster(make_node("a", "manager", daemon={"mtu": 1400}), make_node("b"))
    there = {"a": make_machine(engine=make_engine("n-a", manager=True)), "b": make_machine(engine=make_engine())}
    found = plan(make_observed(there, make_swarm(make_member("n-a", "manager"), via="a")), nodes, (), ())
    assert number(found, "a", "write") in found.steps[number(found, "b", "join") - 1].follows


def test_machines_register_when_the_engine_under_consul_has_restarted() -> None:
    seen = standing()
    changed = make_cluster(replace(NODES[0], engine=Engine(daemon={"mtu": 1400})), *NODES[1:], consul=Consul())
    found = plan(replace(seen, catalogue=()), changed)
    wait = found.steps[number(found, "consul", "wait") - 1]
    assert number(found, "consul", "write") in wait.follows
    assert wait.number in found.steps[number(found, "slave", "register") - 1].needs
