"""The whole comparison: what holds what up, and the same output for the same input in any order."""

import dataclasses
from collections.abc import Mapping
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from deployer.diff.cluster import diff
from deployer.diff.machines import merge
from deployer.diff.stacks import ServiceMissing
from deployer.model.cluster import Consul
from deployer.model.observed import CatalogueNode
from deployer.plan.text import plan_text
from tests.decisions import decide, get_change, list_reasons
from tests.literals.desired import make_cluster, make_desired, make_node, make_source
from tests.literals.live import deploy_object, deploy_service
from tests.literals.machines import DOWN, make_engine, make_machine
from tests.literals.stacks import make_content, make_network, make_service, make_stack, with_container
from tests.literals.swarm import change_swarm, make_member, make_observed, make_standing, make_swarm

WEB = make_stack("s", make_service("s_web", 1))
TWO = make_cluster(make_node("a", "manager"), make_node("b"))


def test_without_a_swarm_for_them_stacks_are_blocked_not_forgotten() -> None:
    wanted = make_desired(make_cluster(make_node("a", "none")), make_source("s"))
    found = diff(wanted, (WEB,), make_observed({"a": make_machine(engine=make_engine())}))
    assert found.changes == ()
    assert list_reasons(found) == [("stack s", "there is no swarm to run it")]


def test_while_the_manager_is_unreachable_nothing_is_said_of_stacks() -> None:
    seen = make_observed({"a": DOWN, "b": make_machine(engine=make_engine("n-b"))})
    found = diff(make_desired(TWO, make_source("s")), (WEB,), seen)
    assert found.changes == ()
    assert [blocked.subject for blocked in found.blocked] == ["a", "swarm"]


def test_stacks_are_not_put_into_the_swarm_that_a_machine_brought_along() -> None:
    wanted = make_desired(make_cluster(make_node("a", "manager"), make_node("b", "manager")), make_source("s"))
    other = make_machine(engine=make_engine("n-a", manager=True, swarm="other"))
    standing = make_standing(("a", "b"), machines={"a": other})
    found = diff(wanted, (WEB,), change_swarm(standing, members=(make_member("n-a", "manager"),)))
    assert found.changes == ()
    assert [blocked.subject for blocked in found.blocked] == ["swarm"]


def test_an_unreachable_worker_holds_no_stack_up() -> None:
    found = diff(make_desired(TWO, make_source("s")), (WEB,), make_standing("a", machines={"b": DOWN}))
    assert get_change(found, ServiceMissing).name == "s_web"
    assert [(blocked.subject, blocked.unreachable) for blocked in found.blocked] == [("b", True)]


def shuffled(value: Any, draw: Any) -> Any:
    """`value` with every mapping inside in another order."""
    if isinstance(value, Mapping):
        keys = draw(st.permutations(sorted(value, key=str)))
        return {key: shuffled(value[key], draw) for key in keys}
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return dataclasses.replace(
            value,
            **{item.name: shuffled(getattr(value, item.name), draw) for item in dataclasses.fields(value)},
        )
    return tuple(shuffled(item, draw) for item in value) if isinstance(value, tuple) else value


@settings(max_examples=12, deadline=None)
@given(st.data())
def test_the_order_of_the_input_does_not_matter(data: st.DataObject) -> None:
    nodes = make_cluster(
        make_node("a", "manager", labels={"zone": "x", "disk": "ssd"}, daemon={"mtu": 1400, "debug": True}),
        make_node("b", consul="server"),
        make_node("c", labels={"zone": "y", "rack": "2"}, daemon={"debug": True, "dns": ["9.9.9.9"]}),
        consul=Consul(),
    )
    machines = {
        "a": make_machine("10.0.0.1", make_engine("n-a", manager=True), daemon_json='{"mtu": 1500, "dns": []}'),
        "b": make_machine("10.0.0.2", make_engine()),
        "c": make_machine("10.0.0.3"),
    }
    stored = with_container(make_service("s_web", 2), Env=["A=1", "B=2"])
    seen = make_swarm(
        make_member("n-a", "manager", labels={"x": "1", "zone": "w"}),
        via="a",
        services=(deploy_service(stored), deploy_service(make_service("t_db", 1))),
        objects=(
            deploy_object("network", make_network("s_n")),
            deploy_object("network", make_network("t_n", Internal=True)),
        ),
    )
    wanted = make_desired(nodes, make_source("s"), make_source("t", "s"))
    objects = [
        make_stack(
            "s",
            with_container(make_service("s_web", 3), Env=["B=3", "A=1"], Image="app:2"),
            make_service("s_z", 1),
            make_service("s_a", 1),
            networks=(make_network("s_n"), make_network("s_m")),
            configs=(make_content("s_c2"), make_content("s_c1")),
        ),
        make_stack(
            "t", make_service("t_db", 1), networks=(make_network("t_n"),), external=(("secret", "y"), ("secret", "x"))
        ),
    ]
    look = make_observed(machines, seen, (CatalogueNode("c", "10.0.0.9", {"deployer-swarm": "manager", "x": "y"}),))
    expected = diff(wanted, objects, look)

    mixed = [
        dataclasses.replace(
            item,
            services=tuple(data.draw(st.permutations(item.services))),
            networks=tuple(data.draw(st.permutations(item.networks))),
            configs=tuple(data.draw(st.permutations(item.configs))),
            external=tuple(data.draw(st.permutations(item.external))),
        )
        for item in data.draw(st.permutations(objects))
    ]
    mixed = [shuffled(item, data.draw) for item in mixed]
    other = shuffled(look, data.draw)
    found = diff(wanted, mixed, other)
    assert found == expected
    assert plan_text(decide(wanted, other, mixed)) == plan_text(decide(wanted, look, objects))


json_values = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(), st.text(max_size=5)),
    lambda below: st.one_of(st.lists(below, max_size=3), st.dictionaries(st.text(max_size=3), below, max_size=3)),
    max_leaves=10,
)
json_objects = st.dictionaries(st.text(max_size=3), json_values, max_size=4)


@given(json_objects, json_objects)
def test_merging_twice_is_merging_once(present: dict[str, Any], wanted: dict[str, Any]) -> None:
    once = merge(present, wanted)
    assert merge(once, wanted) == once


@given(json_objects, json_objects)
def test_a_merge_keeps_every_key_and_says_what_git_says(present: dict[str, Any], wanted: dict[str, Any]) -> None:
    merged = merge(present, wanted)
    assert merged.keys() == present.keys() | wanted.keys()
    for key in present.keys() - wanted.keys():
        assert merged[key] == present[key]
    for key, value in wanted.items():
        if not isinstance(value, dict):
            assert merged[key] == value
