from __future__ import annotations

import asyncio
from typing import Any

import pytest

from deployer.consul import Catalogue, ConsulError
from deployer.consul.catalogue import PORT
from deployer.consul.session import Sessions
from deployer.errors import TimedOutError
from deployer.model.registration import expiring
from deployer.model.secret import Secret
from deployer.remote import ConnectionFailedError
from tests.fakes import FakeConnection, run

NODES = [{"ID": "", "Node": "m1", "Address": "10.0.0.1", "Meta": {"role": "manager"}, "CreateIndex": 5}]


def asked(answers: dict[str, Any]) -> tuple[Catalogue, FakeConnection]:
    connection = FakeConnection(answers)
    return Catalogue(connection), connection


def test_a_machine_is_registered_with_its_meta() -> None:
    """The body of developer.hashicorp.com/consul/api-docs/catalog, "Register Entity"."""
    catalogue, connection = asked({"PUT /v1/catalog/register": (200, b"true")})
    run(catalogue.register("m1", "10.0.0.1", {"role": "manager", "commit": "abc"}))
    request = connection.requests[0]
    assert request.body == {"Node": "m1", "Address": "10.0.0.1", "NodeMeta": {"role": "manager", "commit": "abc"}}
    assert request.query == {}
    assert request.place == PORT


@pytest.mark.parametrize(("answer", "leader"), [(b'"10.0.0.9:8300"', "10.0.0.9:8300"), (b'""', ""), (b"null", "")])
def test_the_leader(answer: bytes, leader: str) -> None:
    catalogue, _ = asked({"GET /v1/status/leader": (200, answer)})
    assert run(catalogue.leader()) == leader


def test_the_machines_of_the_catalogue() -> None:
    """py-consul looks for `X-Consul-Index` as it is written there; HTTP's header names have no case."""
    catalogue, connection = asked({"GET /v1/catalog/nodes": (200, NODES, {"x-consul-INDEX": "42"})})
    assert run(catalogue.nodes()) == NODES
    catalogue.close()
    assert connection.streams == 0


@pytest.mark.parametrize("answer", [None, {}, ["m1"], [{"Node": "m1"}], 7])
def test_a_list_of_machines_that_is_none(answer: Any) -> None:
    catalogue, _ = asked({"GET /v1/catalog/nodes": (200, answer, {"X-Consul-Index": "42"})})
    with pytest.raises(ConsulError):
        run(catalogue.nodes())


@pytest.mark.parametrize(
    ("status", "body", "said"),
    [
        (500, b"No cluster leader", "Consul: 500 No cluster leader"),
        (503, b"line one\nline two\x1b[2J", r"Consul: 503 line one\nline two\x1b[2J"),
        (403, b"Permission denied: token with AccessorID lacks permission", "Consul: Permission denied: token with"),
        (401, b"ACL support disabled", "Consul: ACL support disabled"),
        (400, b"bad", "Consul: 400 bad"),
        (404, b"", "Consul: "),
        (200, b"<html>", "Consul: "),
    ],
)
def test_what_consul_says_when_it_refuses(status: int, body: bytes, said: str) -> None:
    answers = dict.fromkeys(("GET /v1/catalog/nodes", "PUT /v1/catalog/register"), (status, body))
    if status not in {200, 404}:
        answers["GET /v1/status/leader"] = (status, body)
    catalogue, _ = asked(answers)
    with pytest.raises(ConsulError) as caught:
        run(catalogue.nodes())
    assert caught.value.message.startswith(said)
    if status != 200:
        with pytest.raises(ConsulError):
            run(catalogue.register("m1", "10.0.0.1", {}))
    if "GET /v1/status/leader" in answers:
        with pytest.raises(ConsulError):
            run(catalogue.leader())


def test_a_page_instead_of_an_answer_is_cut_short() -> None:
    catalogue, _ = asked({"GET /v1/status/leader": (500, b"x" * 100_000)})
    with pytest.raises(ConsulError) as caught:
        run(catalogue.leader())
    assert len(caught.value.message) < 400


def test_the_environment_of_whoever_runs_it_does_not_count(monkeypatch: pytest.MonkeyPatch) -> None:
    """py-consul would send the token in the query, and refuse an address that it cannot read."""
    monkeypatch.setenv("CONSUL_HTTP_TOKEN", "s3cr3t")
    monkeypatch.setenv("CONSUL_HTTP_ADDR", "https://elsewhere:port")
    monkeypatch.setenv("CONSUL_HTTP_SSL", "true")
    catalogue, connection = asked(
        {
            "GET /v1/status/leader": (200, b'""'),
            "GET /v1/catalog/nodes": (200, NODES, {"X-Consul-Index": "1"}),
            "PUT /v1/catalog/register": (200, b"true"),
        }
    )

    async def scenario() -> None:
        await catalogue.leader()
        await catalogue.nodes()
        await catalogue.register("m1", "10.0.0.1", {})

    run(scenario())
    assert len(connection.requests) == 3
    assert "s3cr3t" not in repr(connection.requests)
    assert {request.place for request in connection.requests} == {PORT}


def test_consul_that_does_not_answer(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("deployer.consul.catalogue.REQUEST_SECONDS", 0.05)

    async def hang(_: object) -> None:
        await asyncio.Event().wait()

    catalogue, _ = asked({"GET /v1/status/leader": hang})
    with pytest.raises(TimedOutError):
        run(catalogue.leader())
    catalogue, _ = asked({"GET /v1/status/leader": ConnectionFailedError("port 8500 there: refused")})
    with pytest.raises(ConnectionFailedError):
        run(catalogue.leader())


def test_a_token_goes_with_every_request_as_a_header() -> None:
    connection = FakeConnection({
        "GET /v1/status/leader": (200, b'"x"'),
        "GET /v1/catalog/nodes": (200, NODES, {"X-Consul-Index": "1"}),
        "PUT /v1/catalog/register": (200, b"true"),
        "GET /v1/agent/services": (200, {}),
    })  # fmt: skip
    catalogue = Catalogue(connection, Secret("canary"))
    run(catalogue.leader())
    run(catalogue.nodes())
    run(catalogue.register("m1", "10.0.0.1", {}))
    run(catalogue.registered())
    assert [request.headers.get("x-consul-token") for request in connection.requests] == ["canary"] * 4
    assert "canary" not in repr([request.query for request in connection.requests])


def test_without_a_token_there_is_no_such_header() -> None:
    catalogue, connection = asked({"GET /v1/status/leader": (200, b'"x"')})
    run(catalogue.leader())
    assert "x-consul-token" not in connection.requests[0].headers


SERVERS = [{"Name": "a", "Healthy": True}, {"Name": "b", "Healthy": True}, {"Name": "c", "Healthy": True}]


@pytest.mark.parametrize(
    ("status", "answer", "healthy"),
    [
        (200, {"Healthy": True, "Servers": SERVERS}, 3),
        (200, {"Healthy": False, "Servers": [*SERVERS[:2], {"Name": "c", "Healthy": False}]}, 0),
        (429, {"Healthy": False, "Servers": SERVERS}, 0),
    ],
)
def test_servers_are_healthy_when_the_leader_says_so_of_all(status: int, answer: Any, healthy: int) -> None:
    """The statuses of developer.hashicorp.com/consul/api-docs/operator/autopilot, "Read Health"."""
    catalogue, _ = asked({"GET /v1/operator/autopilot/health": (status, answer)})
    assert run(catalogue.healthy_servers()) == healthy


@pytest.mark.parametrize("answer", [(200, {}), (200, []), (403, b"Permission denied"), (500, b"No cluster leader")])
def test_servers_whose_health_cannot_be_told(answer: Any) -> None:
    catalogue, _ = asked({"GET /v1/operator/autopilot/health": answer})
    with pytest.raises(ConsulError):
        run(catalogue.healthy_servers())


@pytest.mark.parametrize("answer", [[], {"a": 1}, {"a": {"Service": "x"}}])
def test_services_that_are_none(answer: Any) -> None:
    catalogue, _ = asked({"GET /v1/agent/services": (200, answer)})
    with pytest.raises(ConsulError, match="its list of services is none"):
        run(catalogue.registered())


EVIL = ["../../leave", "../../../v1/agent/leave", "..", ".", "/lead", "a//b", "a\nb", "a b", "a/b", ""]


@pytest.mark.parametrize("identifier", EVIL)
def test_an_entry_whose_id_no_path_can_hold_is_made_to_expire(identifier: str) -> None:
    """Consul 1.8.7 answers most of these with a redirect to elsewhere, and keeps the entry."""
    catalogue, connection = asked({
        "GET /v1/agent/services": (200, {identifier: {"ID": identifier, "Service": "web"}}),
        "PUT /v1/agent/service/register": (200, b""),
    })  # fmt: skip
    run(catalogue.deregister(identifier))
    assert connection.lines == ["GET /v1/agent/services", "PUT /v1/agent/service/register"]
    told = connection.requests[-1]
    assert told.body == expiring(identifier, "web")
    assert told.query == {"replace-existing-checks": "true"}


def test_one_that_is_gone_already_is_left_alone() -> None:
    catalogue, connection = asked({"GET /v1/agent/services": (200, {})})
    run(catalogue.deregister("../../leave"))
    assert connection.lines == ["GET /v1/agent/services"]


@pytest.mark.parametrize("name", ["../leave", "..", "", "a//b"])
def test_machines_and_keys_of_such_names_are_not_asked_for(name: str) -> None:
    """Whatever else calls py-consul, which quotes no name."""
    connection = FakeConnection()
    catalogue = Sessions(connection)
    for ask in (catalogue.prune, catalogue.read, catalogue.renew, catalogue.destroy):
        with pytest.raises(ConsulError, match="cannot be asked for this"):
            run(ask(name))
    with pytest.raises(ConsulError, match="cannot be asked for this"):
        run(catalogue.put(f"deployer/{name}/lock", b""))
    assert connection.requests == []


def test_a_path_that_py_consul_made_of_a_name_is_not_sent() -> None:
    catalogue, connection = asked({})
    for call in (
        catalogue._api.agent.service.deregister("../../leave"),
        catalogue._api.agent.service.maintenance("web", True),
        catalogue._api.kv.get("../agent/leave"),
        catalogue._api.catalog.service("web"),
    ):
        with pytest.raises(ConsulError, match="no path that is asked for"):
            run(catalogue._ask(call))
    assert connection.requests == []


@pytest.mark.parametrize("answer", [b"[" * 100_000, b'{"a": NaN', b"\xff", b"9" * 5000, [[]], {"a": []}, 7])
@pytest.mark.parametrize("method", ["registered", "nodes", "healthy_servers"])
def test_an_answer_that_is_none(answer: Any, method: str) -> None:
    lines = ("/v1/agent/services", "/v1/catalog/nodes", "/v1/operator/autopilot/health")
    catalogue, _ = asked({f"GET {line}": (200, answer, {"X-Consul-Index": "1"}) for line in lines})
    with pytest.raises(ConsulError):
        run(getattr(catalogue, method)())
