"""Consul's servers keep their majority whatever is planned."""

from dataclasses import replace

from deployer.diff.consul import consul_body
from deployer.model.cluster import Cluster, Consul
from deployer.model.observed import CatalogueNode, Container, Engine, Machine, Observed, Unreachable
from deployer.plan import plan_text
from deployer.plan.operations import AwaitConsul, RunContainer
from tests.literals.desired import EARLIER, make_cluster, make_node
from tests.literals.machines import make_engine, make_machine
from tests.literals.swarm import make_observed
from tests.plan.test_plans import plan, text

NODES = (
    *(make_node(name, "none", consul="server") for name in "abc"),
    make_node("d", "none", consul="agent"),
    make_node("e", "none"),
)
ADDRESSES = {node.name: f"10.0.0.{number}" for number, node in enumerate(NODES, 1)}
FIVE = make_cluster(*NODES, consul=Consul())
NEW = make_cluster(*NODES, consul=Consul(image="hashicorp/consul:1.21"))
META = {"deployer-cluster": "sandbox", "deployer-swarm": "none", "docker-version": "26.1.5"}


def running(name: str, wanted: Cluster = FIVE) -> Machine:
    others = [ADDRESSES[other] for other in "abc" if other != name]
    body = consul_body(wanted, wanted.node(name), ADDRESSES[name], EARLIER, others)
    container = Container(
        "c", "deployer-consul", "running", body["Labels"] | {"deployer.engine": "26.1.5"}, body["Image"]
    )
    return make_machine(ADDRESSES[name], make_engine(containers=(container,)))


def standing() -> Observed:
    machines: dict[str, Machine | Unreachable] = {name: running(name) for name in "abcd"}
    return make_observed(
        machines | {"e": make_machine(ADDRESSES["e"], make_engine())}, None, (CatalogueNode("e", ADDRESSES["e"], META),)
    )


def test_nothing_to_do() -> None:
    assert plan(standing(), FIVE, (), ()).empty


def test_three_servers_an_agent_and_a_machine_without() -> None:
    bare = make_observed({name: make_machine(address, make_engine()) for name, address in ADDRESSES.items()})
    found = plan(bare, FIVE, (), ())
    assert plan_text(found) == text("""
        Plan for sandbox at 0123456789

        + #1 a: run deployer-consul from hashicorp/consul:1.20 (not found)
        + #2 b: run deployer-consul from hashicorp/consul:1.20 (not found)
        + #3 c: run deployer-consul from hashicorp/consul:1.20 (not found)
        . #4 a: wait until Consul has a leader and 3 healthy servers
        + #5 d: run deployer-consul from hashicorp/consul:1.20 (not found)
        + #6 e: register at 10.0.0.5 in Consul on a (not found)

        Plan: 5 to add, 0 to change, 0 to remove (5 unchanged).
        """)
    assert [step.needs for step in found.steps] == [(), (), (), (1, 2, 3), (4,), (4,)]


def test_an_upgrade_goes_from_server_to_server_and_then_to_the_agents() -> None:
    found = plan(standing(), NEW, (), ())
    assert plan_text(found) == text("""
        Plan for sandbox at 0123456789

        + #1 a: run deployer-consul from hashicorp/consul:1.21 (image differs)
        . #2 a: wait until Consul has a leader and 3 healthy servers
        + #3 b: run deployer-consul from hashicorp/consul:1.21 (image differs)
        . #4 b: wait until Consul has a leader and 3 healthy servers
        + #5 c: run deployer-consul from hashicorp/consul:1.21 (image differs)
        . #6 c: wait until Consul has a leader and 3 healthy servers
        + #7 d: run deployer-consul from hashicorp/consul:1.21 (image differs)

        Plan: 4 to add, 0 to change, 0 to remove (6 unchanged).
        """)
    assert [step.needs for step in found.steps] == [(), (1,), (2,), (3,), (4,), (5,), (6,)]


def test_a_server_that_is_missing_comes_first_and_the_upgrade_waits_for_it() -> None:
    seen = standing()
    found = plan(
        replace(seen, machines={**seen.machines, "c": make_machine(ADDRESSES["c"], make_engine())}), NEW, (), ()
    )
    steps = [step.operation for step in found.steps]
    assert [operation.node for operation in steps if isinstance(operation, RunContainer)] == ["c", "a", "b", "d"]
    assert [step.needs for step in found.steps] == [(), (1,), (2,), (3,), (4,), (5,), (6,)]


def test_a_machine_that_is_down_is_not_waited_for() -> None:
    seen = standing()
    found = plan(replace(seen, machines={**seen.machines, "b": Unreachable("no answer")}), NEW, (), ())
    assert {step.operation.servers for step in found.steps if isinstance(step.operation, AwaitConsul)} == {2}


def test_without_a_leader_there_is_no_majority_to_keep() -> None:
    found = plan(replace(standing(), catalogue=Unreachable("No cluster leader")), NEW, (), ())
    assert [step.needs for step in found.steps[:4]] == [(), (), (), (1, 2, 3)]


def test_from_one_server_to_three() -> None:
    """The new ones come first, and join the old one, which keeps its data when its definition changes after them."""
    one = make_cluster(NODES[0], consul=Consul())
    three = make_cluster(*NODES[:3], consul=Consul())
    first = running("a", one)
    assert isinstance(first.engine, Engine)
    alone = replace(first.engine.containers[0], labels={**first.engine.containers[0].labels, "deployer.joins": ""})
    seen = make_observed({
        "a": make_machine(ADDRESSES["a"], make_engine(containers=(alone,))),
        "b": make_machine(ADDRESSES["b"], make_engine()),
        "c": make_machine(ADDRESSES["c"], make_engine()),
    }, None, ())  # fmt: skip
    found = plan(seen, three, (), ())
    assert [(step.operation.node, step.needs) for step in found.steps if isinstance(step.operation, RunContainer)] == [
        ("b", ()),
        ("c", ()),
        ("a", (3,)),
    ]
