"""Fields that differ, element by element; and what lies between two values."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from deployer.diff.body import normalise_service
from deployer.diff.fields import atoms, fields, merge_fields
from deployer.model.field import ABSENT, Field
from tests.diff.bodies import bodies
from tests.literals.stacks import make_service, with_constraints, with_container, with_template

C = "TaskTemplate.ContainerSpec"
T = "TaskTemplate"


@pytest.mark.parametrize(
    ("old", "new", "expected"),
    [
        ({"a": 1}, {"a": 1}, ()),
        ({"a": 1}, {"a": 2}, (Field("a", 1, 2),)),
        ({}, {"a": 2}, (Field("a", ABSENT, 2),)),
        ({"a": 1}, {}, (Field("a", 1, ABSENT),)),
        ({"a": {"c": 1, "b": 1}}, {"a": {"c": 2, "b": 2}}, (Field("a.b", 1, 2), Field("a.c", 1, 2))),
        ({}, {"a": {"b": 1, "c": {"d": 2}}}, (Field("a.b", ABSENT, 1), Field("a.c.d", ABSENT, 2))),
        ({}, {"a": {}}, (Field("a", ABSENT, {}),)),
        ({"a": [1, 2]}, {"a": [1, 3]}, (Field("a", [1, 2], [1, 3]),)),
        ({"a": {"x": 1}}, {"a": 3}, (Field("a", {"x": 1}, 3),)),
    ],
)
def test_fields(old: Any, new: Any, expected: tuple[Field, ...]) -> None:
    assert fields(old, new) == expected


def differ(one: dict[str, Any], other: dict[str, Any]) -> list[tuple[str, Any, Any]]:
    found = fields(normalise_service(one, {}), normalise_service(other, {}))
    return [(field.path, field.old, field.new) for field in found]


A = make_service("a")
HTTP = {"TargetPort": 80, "PublishedPort": 8080}
DATA = {"Type": "volume", "Source": "data", "Target": "/data"}


@pytest.mark.parametrize(
    ("one", "other", "told"),
    [
        pytest.param(
            with_container(A, Env=["A=1", "DEBUG=0", "OLD=x=y"]),
            with_container(A, Env=["DEBUG=1", "A=1", "NEW="]),
            [(f"{C}.Env.DEBUG", "0", "1"), (f"{C}.Env.NEW", ABSENT, ""), (f"{C}.Env.OLD", "x=y", ABSENT)],
            id="variables",
        ),
        pytest.param(
            {**A, "EndpointSpec": {"Ports": [HTTP]}},
            {**A, "EndpointSpec": {"Ports": [{**HTTP, "PublishedPort": 8081, "Protocol": "tcp"}]}},
            [("EndpointSpec.Ports[80/tcp].PublishedPort", 8080, 8081)],
            id="a port",
        ),
        pytest.param(
            {**A, "EndpointSpec": {"Ports": [HTTP]}},
            {**A, "EndpointSpec": {"Ports": [HTTP, {**HTTP, "PublishedPort": 80}]}},
            [("EndpointSpec.Ports[80:80/tcp]", ABSENT, {**HTTP, "PublishedPort": 80, "Protocol": "tcp", "PublishMode": "ingress"})],
            id="one port published twice",
        ),
        pytest.param(
            with_container(A, Mounts=[DATA, {**DATA, "Target": "/b"}]),
            with_container(A, Mounts=[{**DATA, "Target": "/b"}, {**DATA, "Source": "other"}]),
            [(f"{C}.Mounts[/data].Source", "data", "other")],
            id="a mount, in another order",
        ),
        pytest.param(
            with_constraints(A, "a==1", "b==1"),
            with_constraints(A, "c==1", "a==1"),
            [(f"{T}.Placement.Constraints", "b==1", ABSENT), (f"{T}.Placement.Constraints", ABSENT, "c==1")],
            id="constraints",
        ),
        pytest.param(
            with_template(A, Networks=[{"Target": "n", "Aliases": ["a"]}]),
            with_template(A, Networks=[{"Target": "m"}, {"Target": "n", "Aliases": ["a", "b"]}]),
            [(f"{T}.Networks[m]", ABSENT, {"Target": "m"}), (f"{T}.Networks[n].Aliases", ["a"], ["a", "b"])],
            id="networks",
        ),
        pytest.param(
            with_container(A, Args=["redis-server"]),
            with_container(A, Args=["redis-server", "--save"]),
            [(f"{C}.Args", ["redis-server"], ["redis-server", "--save"])],
            id="arguments, whose order counts",
        ),
        pytest.param(
            with_container(A, Configs=[{"ConfigName": "s_c-1", "File": {"Name": "/etc/c"}}]),
            with_container(A, Configs=[{"ConfigName": "s_c-2", "File": {"Name": "/etc/c"}}]),
            [(f"{C}.Configs[/etc/c].ConfigName", "s_c-1", "s_c-2")],
            id="a config",
        ),
        pytest.param(
            with_container(A, Env=["A=1", "A=2"]),
            with_container(A, Env=["A=1"]),
            [(f"{C}.Env", ["A=1", "A=2"], ["A=1"])],
            id="a variable twice",
        ),
    ],
)  # fmt: skip
def test_elements(one: dict[str, Any], other: dict[str, Any], told: list[tuple[str, Any, Any]]) -> None:
    assert differ(one, other) == told


@given(bodies, bodies)
def test_what_is_kept_is_the_old_and_what_is_not_is_the_new(one: dict[str, Any], other: dict[str, Any]) -> None:
    assert fields(merge_fields(one, other, lambda _: False), other) == ()
    assert fields(one, merge_fields(one, other, lambda _: True)) == ()


@given(bodies, bodies, st.data())
def test_a_merge_differs_from_the_new_in_exactly_what_was_kept(
    one: dict[str, Any], other: dict[str, Any], data: st.DataObject
) -> None:
    found = fields(one, other)
    keep = [field for field in found if data.draw(st.booleans())]
    between = merge_fields(one, other, lambda field: field in keep)
    assert [field for field in found if field not in keep] == list(fields(one, between))
    assert keep == list(fields(between, other))


def test_elements_are_kept_one_by_one() -> None:
    one = normalise_service(with_container(A, Env=["A=1", "B=1"], Mounts=[DATA]), {})
    other = normalise_service(with_container(A, Env=["A=2", "B=2", "C=2"]), {})
    kept = merge_fields(one, other, lambda field: field.path in {f"{C}.Env.A", f"{C}.Env.C", f"{C}.Mounts[/data]"})
    assert kept == normalise_service(with_container(A, Env=["A=1", "B=2"], Mounts=[DATA]), {})


def test_every_leaf_is_an_atom() -> None:
    body = normalise_service(with_container(A, Env=["A=1"], Mounts=[DATA]), {})
    told = atoms(body, "")
    assert f'{C}.Env.A="1"' in told
    assert f'{C}.Mounts[/data].Source="data"' in told
    assert len(set(told)) == len(told)
