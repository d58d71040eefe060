"""Bodies compared as an engine understands them."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from deployer.diff.body import hash_of, normalise_service
from deployer.diff.fields import fields
from deployer.diff.stacks import network_fields, stamp_service
from tests.diff.bodies import RECORDED, bodies
from tests.literals.stacks import make_service, with_container, with_template


class TestRecorded:
    @pytest.mark.parametrize("name", sorted(set(RECORDED["services"]) - {"m_hostn"}))
    def test_what_an_engine_stores_is_what_was_sent(self, name: str) -> None:
        pair = RECORDED["services"][name]
        live = normalise_service(pair["live"], RECORDED["networks"])
        assert fields(live, normalise_service(pair["sent"], RECORDED["networks"])) == ()

    @pytest.mark.parametrize("name", sorted(RECORDED["network_bodies"]))
    def test_networks_too(self, name: str) -> None:
        pair = RECORDED["network_bodies"][name]
        assert network_fields(pair["live"], pair["sent"]) == ()

    def test_every_service_has_a_hash_of_its_own(self) -> None:
        """A comparison that prunes too much would find two different services equal."""
        hashes = {
            hash_of({**pair["sent"], "Name": "x", "Labels": {}, "TaskTemplate": without_aliases(pair["sent"])})
            for name, pair in RECORDED["services"].items()
            if name not in EQUAL_TO_ANOTHER
        }
        assert len(hashes) == len(RECORDED["services"]) - len(EQUAL_TO_ANOTHER)


EQUAL_TO_ANOTHER = {"m_seccomp", "m_lbl", "m_iso"}
"""An option that Swarm ignores; one that differs by its labels only; one that says the default: without that they are one service."""


def without_aliases(body: dict[str, Any]) -> dict[str, Any]:
    """The template without the alias that is the service's own name, by which any two would differ."""
    template = body["TaskTemplate"]
    own = body["Name"].removeprefix("m_")
    networks = [
        {**network, "Aliases": [alias for alias in network.get("Aliases") or () if alias != own]}
        for network in template.get("Networks") or ()
    ]
    return {**template, "Networks": networks}


def differ(one: dict[str, Any], other: dict[str, Any], networks: dict[str, str] | None = None) -> list[str]:
    return [
        field.path for field in fields(normalise_service(one, networks or {}), normalise_service(other, networks or {}))
    ]


class TestSame:
    @pytest.mark.parametrize(
        "stored",
        [
            pytest.param(make_service("a", 2, EndpointSpec={"Mode": "vip"}), id="endpoint mode"),
            pytest.param(with_container(make_service("a", 2), Isolation="default"), id="isolation"),
            pytest.param(with_template(make_service("a", 2), Runtime="container"), id="runtime"),
            pytest.param(with_template(make_service("a", 2), ForceUpdate=3), id="forced updates"),
            pytest.param(
                with_template(make_service("a", 2), Resources={"Limits": {}, "Reservations": None}), id="empties"
            ),
            pytest.param(with_container(make_service("a", 2), TTY=False, Args=[], User="", Hosts=None), id="zeros"),
            pytest.param({**make_service("a", 2), "UpdateConfig": None}, id="null section"),
            pytest.param(
                {
                    **make_service("a", 2),
                    "Labels": {**make_service("a")["Labels"], "deployer.commit": "x", "deployer.hash": "y"},
                },
                id="volatile labels",
            ),
        ],
    )
    def test_what_the_engine_adds(self, stored: dict[str, Any]) -> None:
        assert differ(stored, make_service("a", 2)) == []

    def test_no_count_is_one(self) -> None:
        assert differ(make_service("a", 1), make_service("a")) == []
        assert differ(make_service("a", 1), make_service("a", Mode={})) == []
        assert (
            differ(make_service("a", 1), {key: value for key, value in make_service("a").items() if key != "Mode"})
            == []
        )

    def test_order_of_the_environment(self) -> None:
        one, other = (with_container(make_service("a"), Env=env) for env in (["A=1", "B=2"], ["B=2", "A=1"]))
        assert differ(one, other) == []

    def test_networks_by_id_and_name_in_any_order(self) -> None:
        by_id = with_template(make_service("a"), Networks=[{"Target": "id2"}, {"Target": "id1", "Aliases": ["x", "a"]}])
        by_name = with_template(make_service("a"), Networks=[{"Target": "n1", "Aliases": ["a", "x"]}, {"Target": "n2"}])
        assert differ(by_id, by_name, {"id1": "n1", "id2": "n2"}) == []

    @pytest.mark.parametrize("kind", ["Config", "Secret"])
    def test_configs_and_secrets_by_name(self, kind: str) -> None:
        one, two = {f"{kind}Name": "n1", "File": {"Name": "/a"}}, {f"{kind}Name": "n2", "File": {"Name": "/b"}}
        with_ids = [{**two, f"{kind}ID": "id2"}, {**one, f"{kind}ID": "id1"}]
        assert (
            differ(
                with_container(make_service("a"), **{f"{kind}s": with_ids}),
                with_container(make_service("a"), **{f"{kind}s": [one, two]}),
            )
            == []
        )


class TestDifferent:
    @pytest.mark.parametrize(
        ("one", "other", "path"),
        [
            pytest.param(make_service("a", 0), make_service("a"), "Mode.Replicated.Replicas", id="0 is not absent"),
            pytest.param(make_service("a", 0), make_service("a", 1), "Mode.Replicated.Replicas", id="0 is not 1"),
            pytest.param(
                make_service("a", image="x:1"),
                make_service("a", image="x:2"),
                "TaskTemplate.ContainerSpec.Image",
                id="image",
            ),
            pytest.param(
                make_service("a", Labels={"flag": ""}),
                make_service("a", Labels={}),
                "Labels.flag",
                id="a label without a value",
            ),
            pytest.param(
                with_container(make_service("a"), Labels={"flag": "", "x": "y"}),
                with_container(make_service("a"), Labels={"x": "y"}),
                "TaskTemplate.ContainerSpec.Labels.flag",
                id="a container's label without a value",
            ),
            pytest.param(
                {**make_service("a"), "UpdateConfig": {"Parallelism": 0}},
                {**make_service("a"), "UpdateConfig": {"Parallelism": 1}},
                "UpdateConfig.Parallelism",
                id="all at once",
            ),
            pytest.param(
                with_template(make_service("a"), RestartPolicy={"Delay": 0}),
                with_template(make_service("a"), RestartPolicy={}),
                "TaskTemplate.RestartPolicy.Delay",
                id="no delay is not the default delay",
            ),
            pytest.param(
                with_container(make_service("a"), StopGracePeriod=0),
                make_service("a"),
                "TaskTemplate.ContainerSpec.StopGracePeriod",
                id="no grace is not the default grace",
            ),
            pytest.param(
                with_container(make_service("a"), Init=False),
                make_service("a"),
                "TaskTemplate.ContainerSpec.Init",
                id="no init is not the engine's choice",
            ),
            pytest.param(
                make_service("a", EndpointSpec={"Mode": "dnsrr"}),
                make_service("a"),
                "EndpointSpec.Mode",
                id="endpoint mode",
            ),
            pytest.param(
                with_container(make_service("a"), Secrets=[{"SecretName": "s1", "File": {"Name": "/run/secrets/s"}}]),
                with_container(make_service("a"), Secrets=[{"SecretName": "s2", "File": {"Name": "/run/secrets/s"}}]),
                "TaskTemplate.ContainerSpec.Secrets[/run/secrets/s].SecretName",
                id="a rotated secret",
            ),
        ],
    )
    def test_path(self, one: dict[str, Any], other: dict[str, Any], path: str) -> None:
        assert differ(one, other) == [path]
        assert differ(other, one) == [path]


class TestHash:
    def test_it_does_not_depend_on_the_commit_or_on_itself(self) -> None:
        first = stamp_service(make_service("a_a", 2), "sandbox", "a", "one commit")
        again = stamp_service(first, "sandbox", "a", "another commit")
        assert first["Labels"]["deployer.hash"] == again["Labels"]["deployer.hash"]
        assert again["Labels"]["deployer.commit"] == "another commit"

    def test_it_depends_on_everything_else(self) -> None:
        bodies = [
            make_service("a_a", 2),
            make_service("a_a", 3),
            make_service("a_a", 2, "app:2"),
            make_service("a_b", 2),
        ]
        assert len({hash_of(body) for body in bodies}) == len(bodies)

    def test_stamping_leaves_its_input_alone(self) -> None:
        body = make_service("a_a", 2)
        before = json.dumps(body)
        stamp_service(body, "sandbox", "a", "c")
        assert json.dumps(body) == before


NOISE = {"Zero": 0, "Empty": "", "List": [], "Object": {}, "Null": None, "False": False}


def with_noise(value: Any, draw: Any) -> Any:
    """`value` with nulls, empties and zeros where an engine might write them: in objects, under names of their own."""
    if isinstance(value, dict):
        noise = draw(st.dictionaries(st.sampled_from(sorted(NOISE)), st.none(), max_size=3))
        return {key: with_noise(item, draw) for key, item in value.items()} | {key: NOISE[key] for key in noise}
    if isinstance(value, list):
        return [with_noise(item, draw) for item in value]
    return value


@given(bodies, st.data())
def test_a_body_that_was_stored_and_read_back_differs_in_nothing(body: dict[str, Any], data: st.DataObject) -> None:
    stored = json.loads(json.dumps(with_noise(body, data.draw)))
    assert differ(stored, body) == []
    assert hash_of(stored) == hash_of(body)


@given(bodies, bodies)
def test_two_bodies_without_empties_differ_exactly_where_they_are_not_equal(
    one: dict[str, Any], other: dict[str, Any]
) -> None:
    assert (differ(one, other) == []) == (one == other)


@given(bodies)
def test_normalising_twice_is_normalising_once(body: dict[str, Any]) -> None:
    once = normalise_service(body, {})
    assert normalise_service(once, {}) == once
