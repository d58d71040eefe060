"""What has to wait for what, and what must not: a plan walked with some of its steps failing."""

from collections.abc import Sequence
from dataclasses import replace

from deployer.model.cluster import Consul, Engine
from deployer.model.observed import Machine, Unreachable
from deployer.model.stack import Dependency
from deployer.plan.operations import describe
from deployer.plan.steps import Plan
from tests.decisions import decide, find_step, list_skipped
from tests.literals.demo import ADDRESSES, BARE, NODES, STEPS_OF_STACKS, make_demo, plan_demo
from tests.literals.desired import ALONE, make_cluster, make_desired, make_node, make_source
from tests.literals.live import deploy_service
from tests.literals.machines import make_engine, make_machine
from tests.literals.stacks import make_service, make_stack
from tests.literals.swarm import make_observed, make_standing

DEMO = plan_demo(BARE)


def list_subjects(plan: Plan) -> list[str]:
    return [describe(step.operation)[0] for step in plan.steps]


def test_steps_are_numbered_from_one_and_wait_for_earlier_ones_only() -> None:
    assert [step.number for step in DEMO.steps] == list(range(1, 24))
    for step in DEMO.steps:
        assert all(0 < earlier < step.number for earlier in (*step.needs, *step.follows))
        assert not set(step.needs) & set(step.follows)


def test_machines_are_prepared_side_by_side() -> None:
    for name in ADDRESSES:
        step = DEMO.steps[find_step(DEMO, name, "install") - 1]
        assert step.needs == (find_step(DEMO, name, "write"),)
        assert step.follows == ()


def test_a_machine_that_cannot_be_provisioned_costs_itself_only() -> None:
    assert list_skipped(DEMO, find_step(DEMO, "slave2", "install")) == {"slave2: join", "slave2: register"}


def test_a_machine_that_cannot_join_costs_nothing() -> None:
    assert list_skipped(DEMO, find_step(DEMO, "slave2", "join")) == set()


def test_without_a_swarm_there_are_no_stacks_but_a_catalogue() -> None:
    assert list_skipped(DEMO, find_step(DEMO, "master", "start")) == {"slave: join", "slave2: join"} | STEPS_OF_STACKS


def test_without_consul_there_are_stacks_but_no_registrations() -> None:
    registrations = {"master: register", "slave: register", "slave2: register"}
    assert list_skipped(DEMO, find_step(DEMO, "consul", "run")) == {"consul: wait"} | registrations
    assert list_skipped(DEMO, find_step(DEMO, "consul", "wait")) == registrations


def test_a_service_that_is_not_made_costs_its_dependants_and_the_stacks_after() -> None:
    """The rest of its stack is waited for all the same, where there is a rest."""
    later = {"proxy_nginx-proxy: create", "proxy: wait"}
    assert list_skipped(DEMO, find_step(DEMO, "swarmtest_web", "create")) == later
    lost = {"swarmtest_web: create", "swarmtest: wait"}
    assert list_skipped(DEMO, find_step(DEMO, "swarmtest_redis", "create")) == later | lost


def test_a_stack_that_does_not_become_healthy_costs_the_stacks_after() -> None:
    assert list_skipped(DEMO, find_step(DEMO, "swarmtest", "wait")) == {"proxy_nginx-proxy: create", "proxy: wait"}


def test_stacks_without_an_order_do_not_wait_for_each_other() -> None:
    found = plan_demo(BARE, sources=(make_source("swarmtest"), make_source("proxy")))
    assert list_skipped(found, find_step(found, "swarmtest", "wait")) == set()


def test_no_stack_begins_while_a_machine_is_still_being_prepared() -> None:
    """The services' first tasks are spread over all machines, not over the ones that were quick."""
    last = find_step(DEMO, "slave2", "register")
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
    seen = make_standing(services=(deploy_service(middle),))
    found = decide(make_desired(ALONE, make_source("s")), seen, (objects,))
    assert list_subjects(found) == ["s_bottom", "s_a_top", "s"]
    assert [(step.needs, step.any_of) for step in found.steps] == [((), ()), ((1,), ()), ((), (1, 2))]


def test_a_circle_which_validation_refuses_ends_in_the_order_of_names() -> None:
    objects = make_stack(
        "s", make_service("s_b", 1), make_service("s_a", 1), order=(Dependency("s_a", "s_b"), Dependency("s_b", "s_a"))
    )
    found = decide(make_desired(ALONE, make_source("s", "s")), make_standing(), (objects,))
    assert list_subjects(found) == ["s_a", "s_b", "s"]
    assert [(step.needs, step.any_of) for step in found.steps] == [((), ()), ((1,), ()), ((), (1, 2))]


class TestManagers:
    def members(self, wanted: Sequence[str], *, is_now: Sequence[str], **machines: Machine | Unreachable) -> Plan:
        """A plan for machines a to d of which `wanted` are to be managers and `is_now` are."""
        nodes = make_cluster(*(make_node(name, "manager" if name in wanted else "worker") for name in "abcd"))
        workers = [name for name in "abcd" if name not in is_now]
        return decide(make_desired(nodes), make_standing(is_now, workers, machines=machines))

    def test_nobody_is_demoted_when_somebody_could_not_be_promoted(self) -> None:
        found = self.members("bc", is_now="ab")
        assert list_subjects(found) == ["c", "a"]
        assert list_skipped(found, 1) == {"a: set"}

    def test_nor_when_a_new_manager_could_not_join(self) -> None:
        found = self.members("bd", is_now="ab", d=make_machine(engine=make_engine()))
        assert list_subjects(found) == ["d", "a"]
        assert list_skipped(found, 1) == {"a: set"}

    def test_a_manager_that_stays_one_is_asked(self) -> None:
        assert self.members("bc", is_now="ab").manager == "b"

    def test_where_none_stays_the_one_that_was_asked_is_asked_to_the_end(self) -> None:
        found = self.members("cd", is_now="ab")
        assert found.manager == "a"
        assert list_subjects(found) == ["c", "d", "b", "a"]

    def test_the_one_that_starts_the_swarm_is_asked(self) -> None:
        assert DEMO.manager == "master"

    def test_there_is_none_to_be_had(self) -> None:
        outside = make_desired(make_cluster(make_node("a", "none")))
        assert decide(outside, make_observed({"a": make_machine()})).manager == ""


def test_engines_that_restart_go_one_by_one_and_stop_at_the_first_that_does_not_come_back() -> None:
    nodes = make_cluster(*(make_node(name, "manager", daemon={"mtu": 1400}) for name in "abc"))
    assert list_skipped(decide(make_desired(nodes), make_standing("abc")), 1) == {"b: write", "c: write"}


def test_engines_that_only_reload_go_side_by_side() -> None:
    nodes = make_cluster(*(make_node(name, "manager", daemon={"debug": True}) for name in "abc"))
    assert [step.needs for step in decide(make_desired(nodes), make_standing("abc")).steps] == [(), (), ()]


def test_machines_join_when_the_managers_engine_has_restarted() -> None:
    nodes = make_cluster(make_node("a", "manager", daemon={"mtu": 1400}), make_node("b"))
    found = decide(make_desired(nodes), make_standing("a", others="b"))
    assert find_step(found, "a", "write") in found.steps[find_step(found, "b", "join") - 1].follows


def test_machines_register_when_the_engine_under_consul_has_restarted() -> None:
    changed = make_cluster(replace(NODES[0], engine=Engine(daemon={"mtu": 1400})), *NODES[1:], consul=Consul())
    found = plan_demo(replace(make_demo(), catalogue=()), changed)
    wait = found.steps[find_step(found, "consul", "wait") - 1]
    assert find_step(found, "consul", "write") in wait.follows
    assert wait.number in found.steps[find_step(found, "slave", "register") - 1].needs
