"""What of a machine's containers is in Consul: constant requests, and the program's own rules for what is missing."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from deployer.model.cluster import Cluster, Consul
from deployer.model.observed import Container, Machine, Registrations, Unreachable
from deployer.model.registrator import Registrator
from deployer.observe.registrations import observe_registrations
from tests import fakes
from tests.fakes import FakeConnection, link, run
from tests.literals.machines import DOWN, make_engine, make_machine
from tests.literals.swarm import make_observed

A, B = "a" * 64, "b" * 64
RUNNING = Container("r", "deployer-registrator", "running", {"deployer.role": "registrator"})


def wanted(section: Registrator | None = None) -> Cluster:
    made = fakes.cluster(fakes.node("consul", consul=True), fakes.node("slave"), consul=Consul())
    return replace(made, registrator=section or Registrator())


def listed(identifier: str, name: str, *, port: int = 8080, **more: Any) -> dict[str, Any]:
    ports = [{"PrivatePort": 80, "PublicPort": port, "Type": "tcp"}] if port else []
    return {"Id": identifier, "Names": [f"/{name}"], "State": "running", "Labels": {}, "Ports": ports, **more}


def inspected(identifier: str, name: str, env: tuple[str, ...] = (), *, published: bool = True) -> dict[str, Any]:
    bindings = [{"HostIp": "0.0.0.0", "HostPort": "8080"}] if published else None
    return {
        "Id": identifier, "Name": f"/{name}", "State": {"Running": True},
        "Config": {"Image": "web:1", "Env": list(env), "ExposedPorts": {"80/tcp": {}}, "Labels": {}},
        "HostConfig": {"NetworkMode": "bridge"},
        "NetworkSettings": {"Ports": {"80/tcp": bindings}, "Networks": {"bridge": {"IPAddress": "172.17.0.2"}}},
    }  # fmt: skip


def entry(identifier: str, owner: str = "") -> dict[str, Any]:
    return {"ID": identifier, "Service": "web", "Meta": {"registrator-container": owner} if owner else {}}


def look(
    containers: list[dict[str, Any]], entries: list[dict[str, Any]], *details: dict[str, Any], state: str = "running",
    section: Registrator | None = None,
) -> tuple[Any, FakeConnection, FakeConnection]:  # fmt: skip
    """What is said of `slave`, which registers at the server's agent; and both machines."""
    answers: dict[str, Any] = {f"GET /containers/{one['Id']}/json": one for one in details}
    slave = FakeConnection({"GET /containers/json": containers, **answers})
    server = FakeConnection({"GET /v1/agent/services": {one["ID"]: one for one in entries}})
    there: dict[str, Machine | Unreachable] = {
        "consul": make_machine(engine=make_engine()),
        "slave": make_machine(engine=make_engine(containers=(replace(RUNNING, state=state),))),
    }
    connections = {"consul": server, "slave": slave}
    found = run(observe_registrations(wanted(section), make_observed(there), link(connections, wanted(section))))
    return found.get("slave"), slave, server


def test_all_is_there_in_one_request_to_each_side() -> None:
    found, slave, server = look([listed(A, "web")], [entry("slave:web:80", A)])
    assert found == Registrations(1)
    assert slave.lines == ["GET /containers/json"]
    assert server.lines == ["GET /v1/agent/services"]


def test_one_that_is_not_there_yet() -> None:
    found, *_ = look([listed(A, "web"), listed(B, "api")], [entry("slave:web:80", A)], inspected(B, "api"))
    assert found == Registrations(1, missing=("api",))


def test_one_that_is_gone() -> None:
    found, *_ = look([], [entry("slave:web:80", A), entry("own-id", A)])
    assert found == Registrations(0, stale=("slave:web:80",)), "whose own-id is cannot be told any more"


@pytest.mark.parametrize(
    ("told", "detail"),
    [
        (listed(A, "web"), inspected(A, "web", ("SERVICE_IGNORE=1",))),
        (listed(A, "web"), inspected(A, "web", ("SERVICE_80_IGNORE=1",))),
        (listed(A, "web"), inspected(A, "web", published=False)),
        (listed(A, "web"), {**inspected(A, "web"), "State": {"Running": False}}),
    ],
    ids=["ignored", "its port is ignored", "not published", "it has ended meanwhile"],
)
def test_what_is_not_to_be_there_is_not_missing(told: dict[str, Any], detail: dict[str, Any]) -> None:
    found, *_ = look([told], [], detail)
    assert found == Registrations(0)


@pytest.mark.parametrize(
    "told",
    [
        listed(A, "web", port=0),
        listed(A, "web", Labels={"SERVICE_IGNORE": "true"}),
        listed(A, "deployer-consul", Labels={"deployer.role": "consul"}),
        listed(A, "web", State="paused"),
    ],
    ids=["no port", "ignored by label", "ours", "paused"],
)
def test_what_cannot_be_wanted_is_not_inspected(told: dict[str, Any]) -> None:
    found, slave, _ = look([told], [])
    assert found == Registrations(0)
    assert slave.lines == ["GET /containers/json"]


def test_the_flags_count() -> None:
    only_named = Registrator(explicit=True)
    assert look([listed(A, "web")], [], inspected(A, "web"), section=only_named)[0] == Registrations(0)
    named = inspected(A, "web", ("SERVICE_NAME=web",))
    assert look([listed(A, "web")], [], named, section=only_named)[0] == Registrations(0, missing=("web",))


def test_entries_of_other_machines_and_of_the_routing_mesh_are_not_this_ones() -> None:
    others = [entry("consul:web:80", B), entry("slave:web:80:mesh", "task:1"), entry("somebody-elses")]
    assert look([], others)[0] == Registrations(0)


def test_a_foreign_registrator_leaves_no_mark_but_the_form_of_its_ids() -> None:
    entries = [entry("slave:web:80"), entry("slave:gone:80:udp")]
    found, *_ = look([listed(A, "web")], entries)
    assert found == Registrations(1, stale=("slave:gone:80:udp",))


def test_one_that_does_not_run_is_not_asked_about() -> None:
    found, slave, server = look([], [], state="restarting")
    assert found is None
    assert slave.lines == server.lines == []


def test_consul_that_cannot_be_asked() -> None:
    refused = FakeConnection({"GET /v1/agent/services": (500, b"no leader")})
    there: dict[str, Machine | Unreachable] = {
        "consul": DOWN,
        "slave": make_machine(engine=make_engine(containers=(RUNNING,))),
    }
    connections = {"consul": refused, "slave": FakeConnection()}
    found = run(observe_registrations(wanted(), make_observed(there), link(connections, wanted())))
    assert isinstance(found["slave"], Unreachable)


@pytest.mark.parametrize(
    ("containers", "detail"),
    [
        ([{"Id": ["x"]}], {}),
        ([{"Names": ["/web"]}], {}),
        ([{**listed(A, "web"), "Names": 7}], {}),
        ([{**listed(A, "web"), "Labels": ["x"]}], {}),
        ([listed(A, "web")], {**inspected(A, "web"), "Config": "x"}),
        ([listed("../../swarm", "web")], {}),
    ],
)
def test_an_engine_that_is_none(containers: list[dict[str, Any]], detail: dict[str, Any]) -> None:
    found, slave, _ = look(containers, [], *([detail] if detail else []))
    assert isinstance(found, Unreachable), found
    assert not any("swarm" in line for line in slave.lines)


def test_a_pattern_in_the_tags_is_not_run_on_this_machine() -> None:
    """This one would run for longer than anybody waits, on a label that anybody may write."""
    tags = '{{matchFirstElement "^(a+)+$" .Config.Env}}'
    evil = inspected(B, "api", env=("a" * 60 + "!",))
    found, *_ = look([listed(B, "api")], [], evil, section=Registrator(tags=tags))
    assert found == Registrations(0, missing=("api",))
