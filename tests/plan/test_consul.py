"""Consul's servers keep their majority whatever is planned."""

from dataclasses import replace
from textwrap import dedent

from deployer.model.cluster import Cluster, Consul
from deployer.model.observed import Machine, Observed, Unreachable
from deployer.plan.consul import AwaitConsul
from deployer.plan.machines import RunContainer
from deployer.plan.steps import Plan
from deployer.plan.text import plan_text
from tests.decisions import decide
from tests.literals.consul import make_entry, start_consul
from tests.literals.desired import make_cluster, make_desired, make_node
from tests.literals.machines import make_engine, make_machine
from tests.literals.swarm import make_observed

NODES = (
    *(make_node(name, "none", consul="server") for name in "abc"),
    make_node("d", "none", consul="agent"),
    make_node("e", "none"),
)
ADDRESSES = {node.name: f"10.0.0.{number}" for number, node in enumerate(NODES, 1)}
FIVE = make_cluster(*NODES, consul=Consul())
NEW = make_cluster(*NODES, consul=Consul(image="hashicorp/consul:1.21"))
BARE = {name: make_machine(address, make_engine()) for name, address in ADDRESSES.items()}
"""Engines, and no Consul yet."""


def standing(**machines: Machine | Unreachable) -> Observed:
    there: dict[str, Machine | Unreachable] = {"e": BARE["e"]}
    for name in "abcd":
        others = [ADDRESSES[other] for other in "abc" if other != name]
        container = start_consul(FIVE, name, ADDRESSES[name], others)
        there[name] = make_machine(ADDRESSES[name], make_engine(containers=(container,)))
    return make_observed(there | machines, None, (make_entry("e", ADDRESSES["e"], "none"),))


def plan(seen: Observed, cluster: Cluster) -> Plan:
    return decide(make_desired(cluster), seen)


def test_nothing_to_do() -> None:
    assert plan(standing(), FIVE).empty


def test_three_servers_an_agent_and_a_machine_without() -> None:
    found = plan(make_observed(BARE), FIVE)
    assert plan_text(found) == dedent("""\
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
    found = plan(standing(), NEW)
    assert plan_text(found) == dedent("""\
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
    found = plan(standing(c=BARE["c"]), NEW)
    steps = [step.operation for step in found.steps]
    assert [operation.node for operation in steps if isinstance(operation, RunContainer)] == ["c", "a", "b", "d"]
    assert [step.needs for step in found.steps] == [(), (1,), (2,), (3,), (4,), (5,), (6,)]


def test_a_machine_that_is_down_is_not_waited_for() -> None:
    found = plan(standing(b=Unreachable("no answer")), NEW)
    assert {step.operation.servers for step in found.steps if isinstance(step.operation, AwaitConsul)} == {2}


def test_without_a_leader_there_is_no_majority_to_keep() -> None:
    found = plan(replace(standing(), catalogue=Unreachable("No cluster leader")), NEW)
    assert [step.needs for step in found.steps[:4]] == [(), (), (), (1, 2, 3)]


def test_from_one_server_to_three() -> None:
    """The new ones come first, and join the old one, which keeps its data when its definition changes after them."""
    one, three = make_cluster(NODES[0], consul=Consul()), make_cluster(*NODES[:3], consul=Consul())
    alone = make_engine(containers=(start_consul(one, "a", ADDRESSES["a"]),))
    machines = {"a": make_machine(ADDRESSES["a"], alone), "b": BARE["b"], "c": BARE["c"]}
    found = plan(make_observed(machines, None, ()), three)
    assert [(step.operation.node, step.needs) for step in found.steps if isinstance(step.operation, RunContainer)] == [
        ("b", ()),
        ("c", ()),
        ("a", (3,)),
    ]
