"""One snapshot of machines that answer, refuse, hang, or are not there."""

from __future__ import annotations

import asyncio
from collections import Counter
from typing import TYPE_CHECKING, Any

import pytest

from deployer.errors import TimedOutError
from deployer.model.cluster import Consul
from deployer.model.command import Completed
from deployer.model.observed import (
    CatalogueNode,
    Container,
    Engine,
    LiveObject,
    Machine,
    Member,
    Membership,
    Observed,
    Silent,
    Unreachable,
)  # fmt: skip
from deployer.observe import observe
from deployer.observe.machines import membership
from deployer.remote import ConnectionFailedError
from tests.fakes import FakeConnection, cluster, link, node, run_without_waiting
from tests.observe.test_facts import DEBIAN, UBUNTU

if TYPE_CHECKING:
    from collections.abc import Mapping

FACTS = Completed(0, DEBIAN, "")
REFUSED = ConnectionFailedError("/var/run/docker.sock there: refused")
INACTIVE = {"Swarm": {"NodeID": "", "NodeAddr": "", "LocalNodeState": "inactive", "ControlAvailable": False}}
MANAGER = {
    "Swarm": {"NodeID": "n1", "NodeAddr": "10.0.0.1", "LocalNodeState": "active", "ControlAvailable": True,
              "Cluster": {"ID": "c1"}}
}  # fmt: skip
WORKER = {"Swarm": {"NodeID": "n2", "NodeAddr": "10.0.0.2", "LocalNodeState": "active", "ControlAvailable": False}}


Answers = dict[str, Any]


async def hang(_: object) -> None:
    await asyncio.Event().wait()


def bare() -> FakeConnection:
    """A machine without an engine."""
    return FakeConnection({"open": REFUSED}, {"sh": Completed(0, UBUNTU, "")})


def engine(more: Answers | None = None) -> FakeConnection:
    answers = {"GET /info": INACTIVE, "GET /containers/json": [], **(more or {})}
    return FakeConnection(answers, {"sh": FACTS})


def manager(stacks: int = 0, more: Answers | None = None) -> FakeConnection:
    """A manager of a swarm with that many stacks of one network, config, secret, and service each."""
    names = [f"s{number}" for number in range(stacks)]
    answers = {
        "GET /nodes": [told_node()],
        "GET /services": [told_service(f"{name}_web") for name in names],
        "GET /networks": [{"Id": f"net-{name}", "Name": f"{name}_net", "Labels": None} for name in names],
        "GET /configs": [{"ID": f"c-{name}", "Spec": {"Name": f"{name}_c", "Labels": {"a": "b"}}} for name in names],
        "GET /secrets": [{"ID": f"x-{name}", "Spec": {"Name": f"{name}_x"}} for name in names],
    }
    return engine({"GET /info": MANAGER, **answers, **(more or {})})


def told_node() -> dict[str, Any]:
    """As docs.docker.com/reference/api/engine, NodeList, shows it."""
    return {
        "ID": "n1", "Version": {"Index": 9}, "CreatedAt": "2026-08-18T10:44:24Z",
        "Spec": {"Labels": {"zone": "par1"}, "Role": "manager", "Availability": "active"},
        "Description": {"Hostname": "master", "Platform": {"Architecture": "x86_64", "OS": "linux"}},
        "Status": {"State": "ready", "Addr": "10.0.0.1"},
        "ManagerStatus": {"Leader": True, "Reachability": "reachable", "Addr": "10.0.0.1:2377"},
    }  # fmt: skip


def told_service(name: str) -> dict[str, Any]:
    return {
        "ID": f"id-{name}", "Version": {"Index": 19},
        "Spec": {"Name": name, "Labels": {"deployer.cluster": "test"}, "TaskTemplate": {}, "Mode": {"Replicated": {"Replicas": 2}}},
        "ServiceStatus": {"RunningTasks": 1, "DesiredTasks": 2, "CompletedTasks": 0},
        "UpdateStatus": {"State": "updating"},
    }  # fmt: skip


def look(machines: Mapping[str, FakeConnection | BaseException], consul: Consul | None = None) -> Observed:
    members = [
        node(name, role="none" if name == "catalogue" else "manager", consul=name == "catalogue") for name in machines
    ]
    wanted = cluster(*members, consul=consul)

    async def scenario() -> Observed:
        async with link(machines, wanted) as connections:
            return await observe(wanted, connections)

    observed = run_without_waiting(scenario())
    assert all(found.streams == 0 for found in machines.values() if isinstance(found, FakeConnection))
    return observed


def test_a_machine_with_an_engine() -> None:
    labels = {"deployer.cluster": "test", "deployer.role": "consul"}
    containers = [{"Id": "abc", "Names": ["/deployer-consul"], "State": "running", "Labels": labels}]
    connection = engine({"GET /containers/json": containers})
    machine = look({"m1": connection}).machines["m1"]
    assert isinstance(machine, Machine)
    assert machine.engine == Engine(
        "26.1.5", Membership("inactive"), (Container("abc", "deployer-consul", "running", labels),)
    )
    assert (machine.os.id, machine.default_interface, machine.privileged) == ("debian", "eth0", True)
    listing = next(request for request in connection.requests if request.line == "GET /containers/json")
    assert listing.query == {"all": "true", "filters": '{"label": ["deployer.cluster=test"]}'}
    assert [command.argv for command in connection.commands] == [("sh", "-s")]


def test_a_machine_without_one() -> None:
    machine = look({"m1": bare()}).machines["m1"]
    assert isinstance(machine, Machine)
    assert machine.engine is None


@pytest.mark.parametrize(
    ("more", "reason"),
    [
        ({"open": REFUSED}, REFUSED.message),
        ({"GET /info": (500, {"message": "dial unix containerd.sock: refused"})}, "dial unix containerd.sock: refused"),
        ({"GET /containers/json": (500, b"oops")}, "oops"),
        ({"GET /version": (200, b"<html>")}, "the answer to GET /version is no JSON"),
        ({"GET /info": []}, "what answers at the engine's socket is no Docker engine"),
        ({"GET /info": {"Swarm": "yes"}}, "what answers at the engine's socket is no Docker engine"),
        ({"GET /containers/json": [{"Names": ["/x"]}]}, "what answers at the engine's socket is no Docker engine"),
        ({"GET /info": TimedOutError("no answer to GET /info within 30 s")}, "no answer to GET /info within 30 s"),
    ],
)
def test_an_engine_that_is_installed_and_does_not_answer(more: dict[str, Any], reason: str) -> None:
    machine = look({"m1": engine(more)}).machines["m1"]
    assert isinstance(machine, Machine)
    assert machine.engine == Silent(reason)


def test_a_machine_that_cannot_be_reached_has_the_reason_and_the_advice() -> None:
    observed = look({"m1": ConnectionFailedError("no route", help="check the cable"), "m2": engine()})
    assert observed.machines["m1"] == Unreachable("no route", "check the cable")
    assert isinstance(observed.machines["m2"], Machine)


@pytest.mark.parametrize(
    "end", [ConnectionFailedError("the connection broke: x"), TimedOutError("`sh` took longer than 15 s")]
)
def test_a_machine_whose_shell_fails_is_unreachable_and_its_engine_is_not_waited_for(end: Exception) -> None:
    connection = engine({"GET /version": hang})
    connection.outputs["sh"] = end
    assert look({"m1": connection}).machines["m1"] == Unreachable(str(end))


@pytest.mark.parametrize("output", ["", "This account is currently not available.\n"])
def test_a_shell_that_answers_something_else(output: str) -> None:
    connection = engine()
    connection.outputs["sh"] = Completed(1, output, "")
    told = look({"m1": connection}).machines["m1"]
    assert isinstance(told, Unreachable)
    assert "not with the facts" in told.reason


def test_machines_that_hang_cost_their_own_time_only() -> None:
    """Ten of them, fifteen seconds each, and one that answers: together they take fifteen seconds."""

    async def late(_: object) -> None:
        await asyncio.sleep(15)
        raise TimedOutError("too late")

    hanging = {f"h{number}": FakeConnection({"GET /version": late}, {"sh": late}) for number in range(10)}
    observed = look({"m1": manager(), **hanging})
    assert observed.elapsed == pytest.approx(15)
    assert [name for name, seen in observed.machines.items() if isinstance(seen, Unreachable)] == sorted(hanging)
    assert observed.swarm
    assert observed.swarm.via == "m1"


def test_the_swarm_as_a_manager_tells_it() -> None:
    swarm = look({"m1": manager(1)}).swarm
    assert swarm
    assert (swarm.via, swarm.cluster_id) == ("m1", "c1")
    assert swarm.members == (
        Member("n1", 9, "master", "manager", "active", {"zone": "par1"}, "ready", "10.0.0.1", leader=True),
    )
    (service,) = swarm.services
    assert (service.id, service.version, service.name, service.running, service.wanted) == (
        "id-s0_web",
        19,
        "s0_web",
        1,
        2,
    )
    assert service.update_state == "updating"
    assert [(found.kind, found.id, found.name, found.labels) for found in swarm.objects] == [
        ("config", "c-s0", "s0_c", {"a": "b"}), ("network", "net-s0", "s0_net", {}), ("secret", "x-s0", "s0_x", {}),
    ]  # fmt: skip
    assert isinstance(swarm.objects[0], LiveObject)


def test_the_number_of_requests_does_not_grow_with_the_number_of_stacks() -> None:
    counts = []
    for stacks in (1, 200):
        connection = manager(stacks)
        observed = look({"m1": connection})
        assert observed.swarm
        assert len(observed.swarm.services) == stacks
        counts.append(Counter(request.line for request in connection.requests))
        assert len(connection.commands) == 1
    assert counts[0] == counts[1]
    assert counts[0].total() == 8
    assert set(counts[0].values()) == {1}


def test_the_count_of_running_tasks_is_asked_for_and_only_swarm_networks() -> None:
    connection = manager()
    look({"m1": connection})
    queries = {request.line: request.query for request in connection.requests}
    assert queries["GET /services"] == {"status": "true"}
    assert queries["GET /networks"] == {"filters": '{"scope": ["swarm"]}'}


@pytest.mark.parametrize(
    "broken",
    [
        {"GET /nodes": (500, {"message": "The swarm does not have a leader."})},
        {"GET /services": ConnectionFailedError("broke off")},
        {"GET /services": [{"ID": "x"}]},
        {"GET /nodes": {}, "GET /secrets": [None]},
    ],
)
def test_a_manager_that_cannot_tell_is_passed_over_for_another(broken: dict[str, Any]) -> None:
    observed = look({"m1": manager(more=broken), "m2": manager()})
    assert observed.swarm
    assert observed.swarm.via == "m2"
    assert look({"m1": manager(more=broken)}).swarm is None


def test_without_a_manager_there_is_no_swarm_to_be_told() -> None:
    observed = look({"m1": engine({"GET /info": WORKER}), "m2": bare()})
    assert observed.swarm is None
    machine = observed.machines["m1"]
    assert isinstance(machine, Machine)
    assert isinstance(machine.engine, Engine)
    assert machine.engine.membership == Membership("active", "n2", "10.0.0.2")


def test_a_manager_that_is_to_stay_one_is_asked_before_one_that_is_not() -> None:
    """The plan is done through it: it must not be demoted on the way."""
    machines = {"a": manager(), "b": manager()}
    wanted = cluster(node("a", role="worker"), node("b", role="manager"))

    async def scenario() -> Observed:
        async with link(machines, wanted) as connections:
            return await observe(wanted, connections)

    swarm = run_without_waiting(scenario()).swarm
    assert swarm
    assert swarm.via == "b"


@pytest.mark.parametrize(
    ("told", "expected"),
    [
        ({}, Membership("inactive")),
        ({"LocalNodeState": "", "NodeID": None}, Membership("inactive")),
        ({"LocalNodeState": "pending", "NodeID": "n", "NodeAddr": ""}, Membership("pending", "n")),
        ({"LocalNodeState": "locked"}, Membership("locked")),
        ({"LocalNodeState": "error", "Error": "x509"}, Membership("error")),
        ({"LocalNodeState": "active", "NodeID": "n", "NodeAddr": "fd00::1", "ControlAvailable": True, "Cluster": None},
         Membership("active", "n", "fd00::1", manager=True)),
        ({"LocalNodeState": "active", "NodeID": "n", "NodeAddr": "a", "ControlAvailable": True, "Cluster": {"ID": "c"}},
         Membership("active", "n", "a", manager=True, cluster_id="c")),
    ],
)  # fmt: skip
def test_places_in_a_swarm(told: dict[str, Any], expected: Membership) -> None:
    assert membership(told) == expected


def consul(state: str = "running", more: Answers | None = None) -> FakeConnection:
    ours = {"deployer.cluster": "test", "deployer.role": "consul"}
    containers = [{"Id": "abc", "Names": ["/deployer-consul"], "State": state, "Labels": ours}]
    nodes = (200, [{"Node": "m1", "Address": "10.0.0.1", "Meta": None}], {"X-Consul-Index": "5"})
    return engine({"GET /containers/json": containers, "GET /v1/catalog/nodes": nodes, **(more or {})})


def test_the_catalogue() -> None:
    assert look({"catalogue": consul()}, Consul()).catalogue == (CatalogueNode("m1", "10.0.0.1", {}),)


@pytest.mark.parametrize("machine", [consul("exited"), engine(), bare()])
def test_no_catalogue_where_consul_does_not_run(machine: FakeConnection) -> None:
    assert look({"catalogue": machine}, Consul()).catalogue is None


@pytest.mark.parametrize(
    ("machine", "reason"),
    [
        (ConnectionFailedError("no route"), "no route"),
        (consul(more={"GET /v1/catalog/nodes": (500, b"No cluster leader")}), "Consul: 500 No cluster leader"),
        (consul(more={"GET /v1/catalog/nodes": ConnectionFailedError("port 8500 there: refused")}), "port 8500 there: refused"),
        (consul(more={"GET /v1/catalog/nodes": (200, [{}], {"X-Consul-Index": "5"})}), "Consul: its list of machines is none"),
    ],
)  # fmt: skip
def test_a_catalogue_that_cannot_be_read_is_not_an_empty_one(
    machine: FakeConnection | BaseException, reason: str
) -> None:
    assert look({"catalogue": machine}, Consul()).catalogue == Unreachable(reason)


def test_where_consul_is_not_asked_for_nothing_is_asked_of_it() -> None:
    connection = manager()
    assert look({"m1": connection}).catalogue is None
    assert not [line for line in connection.lines if "/v1/" in line]


def test_what_runs_once_is_asked_how_it_ended_and_nothing_else_is() -> None:
    def task(service: str, second: int, state: str, slot: int = 1) -> dict[str, Any]:
        return {
            "ServiceID": service,
            "Slot": slot,
            "CreatedAt": f"2026-01-01T00:00:0{second}Z",
            "Status": {"State": state},
        }

    once = {"RestartPolicy": {"Condition": "none"}}
    services = [told_service(name) for name in ("retried", "half", "web")]
    for told in services[:2]:
        told["Spec"]["TaskTemplate"] = once
    tasks = [
        task("id-retried", 3, "complete"), task("id-retried", 1, "failed"),
        task("id-half", 1, "complete"), task("id-half", 2, "rejected", 2),
    ]  # fmt: skip
    there = manager(more={"GET /services": services, "GET /tasks": tasks})
    swarm = look({"master": there}).swarm
    assert swarm is not None
    assert {live.name: (live.completed, live.failed) for live in swarm.services} == {
        "half": (1, 1), "retried": (1, 0), "web": (0, 0),
    }  # fmt: skip
    (asked,) = [request for request in there.requests if request.line == "GET /tasks"]
    assert asked.query == {"filters": '{"service": ["id-retried", "id-half"]}'}
