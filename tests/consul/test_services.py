from __future__ import annotations

from typing import Any

import pytest

from deployer.consul import ConsulError
from deployer.consul.listing import list_services
from deployer.consul.services import ServiceCatalogue
from deployer.errors import DeployerError, UnreachableError, UsageError
from deployer.model.cluster import Consul
from deployer.model.services import Check, Instance
from deployer.remote import ConnectionFailedError
from tests.fakes import FakeConnection, cluster, link, node, run

INDEX = {"X-Consul-Index": "42"}
SERVER = cluster(node("m1", consul=True), node("m2"), consul=Consul())
M1 = {"ID": "", "Node": "m1", "Address": "10.0.0.1", "Meta": {}}
M2 = {"ID": "", "Node": "m2", "Address": "10.0.0.2", "Meta": {}}


def registered(name: str, id_: str, address: str, port: int, tags: list[str] | None = None) -> dict[str, Any]:
    """An entry of `/v1/catalog/node/NAME`, as developer.hashicorp.com/consul/api-docs/catalog shows it."""
    return {
        "ID": id_, "Service": name, "Tags": tags, "Address": address, "Meta": None, "Port": port,
        "Weights": {"Passing": 1, "Warning": 1}, "EnableTagOverride": False, "CreateIndex": 1, "ModifyIndex": 1,
    }  # fmt: skip


def check(machine: str, name: str, status: str, service_id: str = "", output: str = "") -> dict[str, Any]:
    """An entry of `/v1/health/state/any`."""
    return {
        "Node": machine, "CheckID": name.lower(), "Name": name, "Status": status, "Notes": "", "Output": output,
        "ServiceID": service_id, "ServiceName": "", "ServiceTags": [], "Type": "",
    }  # fmt: skip


def answers(nodes: list[Any], checks: list[Any], **services: Any) -> dict[str, Any]:
    """`m1=[...]`: what is registered there."""
    listed = {entry["Node"]: entry for entry in nodes}
    return {
        "GET /v1/status/leader": (200, b'"10.0.0.1:8300"'),
        "GET /v1/catalog/nodes": (200, nodes, INDEX),
        "GET /v1/health/state/any": (200, checks, INDEX),
        **{
            f"GET /v1/catalog/node/{name}": (
                200,
                None
                if entries is None
                else {"Node": listed[name], "Services": {entry["ID"]: entry for entry in entries}},
                INDEX,
            )
            for name, entries in services.items()
        },
    }


def instances(told: dict[str, Any]) -> tuple[Instance, ...]:
    async def scenario() -> tuple[Instance, ...]:
        catalogue = ServiceCatalogue(FakeConnection(told))
        try:
            return await catalogue.instances()
        finally:
            catalogue.close()

    return run(scenario())


def test_instances_are_sorted_and_belong_to_the_machine_that_has_their_address() -> None:
    """All of them are registered on the server's own agent, as registrators do that know one Consul only."""
    found = instances(
        answers(
            [M1, M2],
            [],
            m1=[
                registered("web", "m2:web.2:80", "10.0.0.2", 30010, ["v1", "eu"]),
                registered("web", "m2:web.1:80", "10.0.0.2", 30009),
                registered("web", "m1:web.3:80", "10.0.0.1", 30001),
                registered("db", "elsewhere", "198.51.100.7", 5432),
                registered("consul", "consul", "", 8300),
            ],
            m2=[],
        )
    )
    assert [(one.service, one.address, one.port, one.machine, one.node, one.tags) for one in found] == [
        ("consul", "10.0.0.1", 8300, "m1", "m1", ()),
        ("db", "198.51.100.7", 5432, "m1", "m1", ()),
        ("web", "10.0.0.1", 30001, "m1", "m1", ()),
        ("web", "10.0.0.2", 30009, "m2", "m1", ()),
        ("web", "10.0.0.2", 30010, "m2", "m1", ("v1", "eu")),
    ]


@pytest.mark.parametrize(
    ("checks", "health"),
    [
        ([], "passing"),
        ([check("m1", "Alive", "passing", "web1")], "passing"),
        ([check("m1", "Alive", "warning", "web1"), check("m1", "Port", "passing", "web1")], "warning"),
        ([check("m1", "Alive", "warning", "web1"), check("m1", "Port", "critical", "web1")], "critical"),
        ([check("m1", "Serf Health Status", "critical")], "critical"),
        ([check("m1", "Alive", "a new word", "web1")], "critical"),
        ([check("m1", "Alive", "critical", "web2"), check("m2", "Serf Health Status", "critical")], "passing"),
        ([check("m2", "Alive", "critical", "web1")], "passing"),
    ],
    ids=["none", "passing", "warning", "critical", "its machine", "unknown word", "others", "same id elsewhere"],
)
def test_health_is_the_worst_of_its_own_checks_and_its_machine_s(checks: list[Any], health: str) -> None:
    (found,) = instances(answers([M1, M2], checks, m1=[registered("web", "web1", "", 80)], m2=[]))
    assert found.health == health


def test_what_a_check_says_is_kept_and_cut() -> None:
    checks = [check("m1", "Alive", "critical", "web1", " HTTP GET http://x: 500\n"), check("m1", "", "passing")]
    checks[1] |= {"CheckID": "serfHealth", "Output": "x" * 5000}
    (found,) = instances(answers([M1], checks, m1=[registered("web", "web1", "", 80)]))
    assert Check("Alive", "critical", "HTTP GET http://x: 500") in found.checks
    assert Check("serfHealth", "passing", "x" * 300) in found.checks


def test_requests_do_not_grow_with_the_number_of_services() -> None:
    many = [registered(f"s{number}", f"id{number}", "", number) for number in range(200)]
    connection = FakeConnection(answers([M1, M2], [], m1=many, m2=[]))

    async def scenario() -> None:
        catalogue = ServiceCatalogue(connection)
        assert len(await catalogue.instances()) == 200
        catalogue.close()

    run(scenario())
    assert len(connection.lines) == 2 + 2


def test_a_machine_that_leaves_in_between_is_left_out() -> None:
    (found,) = instances(answers([M1, M2], [], m1=[registered("web", "web1", "", 80)], m2=None))
    assert found.service == "web"


@pytest.mark.parametrize("name", ["../../agent/leave", "..", "", "a//b", "m1/.."])
def test_a_machine_whose_name_leads_elsewhere_takes_nothing_from_the_others(name: str) -> None:
    (found,) = instances(answers([M1, {**M2, "Node": name}], [], m1=[registered("web", "web1", "", 80)]))
    assert found.service == "web"


def test_a_machine_of_any_other_name_is_asked_for() -> None:
    told = answers([{**M1, "Node": "my node"}], [])
    services = {"web1": registered("web", "web1", "", 80)}
    told["GET /v1/catalog/node/my%20node"] = (200, {"Node": M1, "Services": services}, INDEX)
    (found,) = instances(told)
    assert found.node == "my node"


@pytest.mark.parametrize(
    "broken",
    [
        {"GET /v1/health/state/any": (200, {"no": "list"}, INDEX)},
        {"GET /v1/health/state/any": (200, [{"Node": "m1"}], INDEX)},
        {"GET /v1/catalog/node/m1": (200, {"Node": M1, "Services": {"x": {"Service": "x"}}}, INDEX)},
        {"GET /v1/catalog/node/m1": (200, {"Node": M1, "Services": ["x"]}, INDEX)},
        {"GET /v1/catalog/node/m1": (200, [], INDEX)},
        {"GET /v1/catalog/node/m1": (200, b"<html>", INDEX)},
        {"GET /v1/catalog/node/m1": (500, b"rpc error")},
    ],
)
def test_an_answer_that_is_none(broken: dict[str, Any]) -> None:
    with pytest.raises(ConsulError):
        instances(answers([M1], [], m1=[]) | broken)


def listed(told: dict[str, Any] | ConnectionFailedError, *names: str) -> list[str]:
    machine = told if isinstance(told, ConnectionFailedError) else FakeConnection(told)

    async def scenario() -> list[str]:
        async with link({"m1": machine}, SERVER) as machines:
            found = await list_services(SERVER, machines, names)
            assert found.cluster == "test"
            return [instance.service for instance in found.instances]

    return run(scenario())


def test_names_choose() -> None:
    told = answers([M1], [], m1=[registered(name, name, "", 80) for name in ("web", "db", "cache")])
    assert listed(told) == ["cache", "db", "web"]
    assert listed(told, "web", "db") == ["db", "web"]
    with pytest.raises(DeployerError, match="no service 'wbe'") as caught:
        listed(told, "db", "wbe")
    assert (caught.value.help, caught.value.exit_code) == ("did you mean 'web'?", 1)


@pytest.mark.parametrize(
    ("told", "said"),
    [
        (ConnectionFailedError("no answer"), "Consul cannot be asked: m1: no answer"),
        ({"GET /v1/status/leader": ConnectionFailedError("port 8500 there: refused")}, "m1: port 8500 there: refused"),
        ({"GET /v1/status/leader": (200, b'""')}, "m1: Consul has no leader"),
        ({"GET /v1/status/leader": (500, b"No cluster leader")}, "m1: Consul: 500 No cluster leader"),
        (answers([M1], []) | {"GET /v1/health/state/any": (403, b"Permission denied")}, "Consul: Permission denied"),
    ],
)
def test_a_consul_that_cannot_be_asked(told: Any, said: str) -> None:
    with pytest.raises(UnreachableError) as caught:
        listed(told)
    assert caught.value.message.startswith("Consul cannot be asked: ")
    assert said in caught.value.message
    assert caught.value.exit_code == 6


def test_the_next_server_is_asked_where_the_first_is_down() -> None:
    two = cluster(node("m1", consul=True), node("m2", consul=True), consul=Consul())

    async def scenario() -> int:
        told = FakeConnection(answers([M1], [], m1=[registered("web", "web", "", 80)]))
        async with link({"m1": ConnectionFailedError("no answer"), "m2": told}, two) as machines:
            return len((await list_services(two, machines, ())).instances)

    assert run(scenario()) == 1


def test_a_cluster_without_consul() -> None:
    async def scenario() -> None:
        async with link({"m1": FakeConnection()}) as machines:
            await list_services(cluster(node("m1")), machines, ())

    with pytest.raises(UsageError, match="has no Consul"):
        run(scenario())
