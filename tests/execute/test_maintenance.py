"""What is asked of machines and managers while a machine is taken out of service and put back."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from deployer.model.command import Completed
from deployer.plan.keys import RotateTokens
from deployer.plan.maintenance import (
    AwaitDrained,
    AwaitReady,
    PowerOff,
    RemoveOwn,
    RestartMachine,
    SetAvailability,
    UpgradeEngine,
)
from deployer.plan.outcome import Failed
from deployer.plan.swarm import Demote, LeaveSwarm, RemoveMember
from deployer.remote import ConnectionFailedError
from tests.execute.plans import detail, plan, play, reason
from tests.fakes import FakeConnection, Turns

if TYPE_CHECKING:
    from collections.abc import Callable

    from deployer.plan.operations import Operation
    from deployer.plan.outcome import Outcome

OUT_OF_SEQUENCE = (500, {"message": "rpc error: update out of sequence"})
GONE = (404, {"message": "node n1 not found"})


def one(operation: Operation, **machines: FakeConnection) -> Outcome:
    return play(plan(operation), machines).outcomes[1]


def node(state: str = "ready", *, availability: str = "active", role: str = "worker", **manager: str) -> dict[str, Any]:
    spec = {"Role": role, "Availability": availability, "Labels": {"mine": "1"}}
    told = {"ID": "n1", "Version": {"Index": 7}, "Spec": spec, "Status": {"State": state}}
    return told | ({"ManagerStatus": manager} if manager else {})


def service(running: int, wanted: int = 2) -> dict[str, Any]:
    spec = {
        "Name": "web_app",
        "Mode": {"Replicated": {"Replicas": wanted}},
        "TaskTemplate": {"ContainerSpec": {"Healthcheck": {"Test": ["CMD", "true"]}}},
    }
    return {"ID": "s1", "Spec": spec, "ServiceStatus": {"RunningTasks": running, "DesiredTasks": wanted}}


def task(identifier: str, where: str, state: str, desired: str = "running") -> dict[str, Any]:
    spec = {"ContainerSpec": {"Healthcheck": {"Test": ["CMD", "true"]}}}
    return {
        "ID": identifier,
        "ServiceID": "s1",
        "NodeID": where,
        "DesiredState": desired,
        "Status": {"State": state},
        "Spec": spec,
    }


def manager(nodes: Any, services: Any, tasks: Any) -> FakeConnection:
    return FakeConnection({"GET /nodes": nodes, "GET /services": services, "GET /tasks": tasks})


def lasting(*answers: Any) -> Callable[[Any], Any]:
    """Each once, and the last one from then on."""
    left = list(answers)
    return lambda _request: left.pop(0) if len(left) > 1 else left[0]


class TestAvailability:
    def test_role_and_labels_stay(self) -> None:
        told = FakeConnection({"GET /nodes/n1": node(), "POST /nodes/n1/update": {}})
        assert detail(one(SetAvailability("m1", "m2", "n1", "drain"), m1=FakeConnection(), m2=told)) == ""
        sent = told.requests[-1]
        assert sent.body == {"Role": "worker", "Availability": "drain", "Labels": {"mine": "1"}}
        assert sent.query == {"version": "7"}

    def test_nothing_is_written_that_is_so_already(self) -> None:
        told = FakeConnection({"GET /nodes/n1": node(availability="drain")})
        assert detail(one(SetAvailability("m1", "m1", "n1", "drain"), m1=told)) == "already so"

    def test_another_writer_came_in_between(self) -> None:
        told = FakeConnection({"GET /nodes/n1": node(), "POST /nodes/n1/update": Turns(OUT_OF_SEQUENCE, {})})
        assert detail(one(SetAvailability("m1", "m1", "n1", "drain"), m1=told)) == ""


class TestDrained:
    OPERATION = AwaitDrained("m1", "m2", "n1", ("web_app",), 20)

    def test_not_before_the_last_task_has_stopped_and_its_successor_runs(self) -> None:
        there = task("t1", "n1", "running", "shutdown")
        stopped, ready = task("t1", "n1", "shutdown", "shutdown"), task("t2", "n2", "running")
        well = [stopped, ready, task("t3", "n2", "running")]
        told = manager(
            [node(availability="drain")],
            lasting([service(2)], [service(1)], [service(1)], [service(2)]),
            lasting([there, ready], [there, ready], [stopped, ready], well),
        )
        assert detail(one(self.OPERATION, m1=FakeConnection(), m2=told)) == ""
        assert told.lines.count("GET /tasks") > 4  # one look is not enough: the new task has to go on running

    def test_what_is_missing_is_said_when_the_time_is_up(self) -> None:
        pending = task("t1", "", "pending") | {"Status": {"State": "pending", "Err": "no suitable node"}}
        told = manager([node()], [service(1)], [pending, task("t2", "n2", "running")])
        outcome = one(AwaitDrained("m1", "m2", "n1", ("web_app",), 20), m1=FakeConnection(), m2=told)
        assert reason(outcome).startswith("not so after 20 s: web_app 1/2")
        assert isinstance(outcome, Failed)
        assert outcome.log == ("web_app: no suitable node",)


class TestReady:
    OPERATION = AwaitReady("m1", "m2", "n1", (), 20)

    def test_the_machine_and_the_managers_both_say_so(self) -> None:
        """Managers take 15 s to notice that a machine was away: their word alone would be yesterday's."""
        joining, active = ({"Swarm": {"LocalNodeState": state}} for state in ("pending", "active"))
        own = FakeConnection({"GET /info": Turns(joining, active, active, active)})
        nodes = Turns([node()], [node("down")], [node(Reachability="unreachable")], [node(Reachability="reachable")])
        told = manager(nodes, [], [])
        assert detail(one(self.OPERATION, m1=own, m2=told)) == ""
        assert told.lines.count("GET /nodes") == 4

    def test_a_manager_that_elects_is_asked_again(self) -> None:
        no_leader = (503, {"message": "rpc error: The swarm does not have a leader"})
        own = FakeConnection({"GET /info": {"Swarm": {"LocalNodeState": "active"}}})
        assert detail(one(self.OPERATION, m1=own, m2=manager(Turns(no_leader, [node()]), [], []))) == ""


class TestRestart:
    OPERATION = RestartMachine("m1", "machine", 20)

    def test_it_is_back_when_it_was_started_anew(self) -> None:
        """An answer alone says nothing: for some seconds the old system still gives them."""
        away = ConnectionFailedError("no answer")
        boots = Turns(Completed(0, "a\n1\n", ""), Completed(0, "a\n1\n", ""), away, Completed(0, "b\n1\n", ""))
        machine = FakeConnection(outputs={"sh": boots, "systemctl": ConnectionFailedError("it broke")})
        assert detail(one(self.OPERATION, m1=machine)).endswith("engine 26.1.5")
        assert [(command.argv, command.root) for command in machine.commands if command.argv[0] == "systemctl"] == [
            (("systemctl", "reboot"), True)
        ]

    def test_one_that_does_not_come_back(self) -> None:
        away = ConnectionFailedError("no answer")
        machine = FakeConnection(
            outputs={"sh": Turns(Completed(0, "a\n", ""), *[away] * 400), "systemctl": Completed(0, "", "")}
        )
        told = reason(one(RestartMachine("m1", "machine", 20), m1=machine))
        assert told.startswith("it is not back after 20 s: no answer")

    def test_one_that_refuses(self) -> None:
        refusal = Completed(1, "", "Call to Reboot failed: Access denied\n")
        machine = FakeConnection(outputs={"sh": Completed(0, "a\n", ""), "systemctl": refusal})
        assert "Access denied" in reason(one(self.OPERATION, m1=machine))

    def test_the_engine_alone(self) -> None:
        machine = FakeConnection(outputs={"systemctl": Completed(0, "", "")})
        assert detail(one(RestartMachine("m1", "engine", 20), m1=machine)).endswith("engine 26.1.5")
        assert [command.argv for command in machine.commands] == [
            ("systemctl", "reset-failed", "docker"),
            ("systemctl", "restart", "docker"),
        ]

    def test_switched_off(self) -> None:
        boots = Turns(Completed(0, "a\n", ""), Completed(0, "a\n", ""), ConnectionFailedError("no answer"))
        machine = FakeConnection(outputs={"sh": boots, "systemctl": Completed(0, "", "")})
        assert detail(one(PowerOff("m1"), m1=machine)) == "it does not answer any more"


class TestLeaving:
    def test_a_manager_goes_when_it_knows_that_it_is_none(self) -> None:
        own = FakeConnection({"GET /info": Turns({"Swarm": {"ControlAvailable": True}}, {"Swarm": {}})})
        listed = Turns(node(role="manager"), node(Reachability="reachable"), node())
        told = FakeConnection({"GET /nodes/n1": listed, "POST /nodes/n1/update": {}})
        assert detail(one(Demote("m1", "m2", "n1"), m1=own, m2=told)) == ""
        (update,) = [request for request in told.requests if request.line.startswith("POST")]
        assert update.body["Role"] == "worker"

    def test_who_has_left_already(self) -> None:
        out = FakeConnection({"GET /info": {"Swarm": {"LocalNodeState": "inactive"}}})
        assert detail(one(LeaveSwarm("m1"), m1=out)) == "already so"
        assert detail(one(RemoveMember("m1", "m2", "n1"), m2=FakeConnection({"GET /nodes/n1": GONE}))) == "already so"

    def test_what_tasks_left_behind_goes_with_the_swarm(self) -> None:
        """Seen on engine 20.10.24: five containers of tasks on a machine that was no member any more."""
        machine = FakeConnection(
            {
                "GET /info": {"Swarm": {"LocalNodeState": "active"}},
                "POST /swarm/leave": {},
                "GET /containers/json": [{"Id": "c1"}],
                "DELETE /containers/c1": {},
            }
        )
        assert detail(one(LeaveSwarm("m1"), m1=machine)) == ""
        left = machine.requests[-2:]
        assert [request.line for request in left] == ["GET /containers/json", "DELETE /containers/c1"]
        assert "com.docker.swarm.task.id" in left[0].query["filters"]
        assert "POST /swarm/leave" in [request.line for request in machine.requests[:-2]]

    def test_an_entry_is_removed_when_the_managers_call_it_down(self) -> None:
        told = FakeConnection({"GET /nodes/n1": Turns(node(), node("down")), "DELETE /nodes/n1": {}})
        assert detail(one(RemoveMember("m1", "m2", "n1"), m2=told)) == ""

    def test_containers_and_volumes_that_are_there_or_not(self) -> None:
        gone = (404, {"message": "no such container"})
        machine = FakeConnection({
            "POST /containers/one/stop": (304, b""), "DELETE /containers/one": {},
            "POST /containers/two/stop": gone, "DELETE /volumes/data": {},
        })  # fmt: skip
        assert detail(one(RemoveOwn("m1", ("one", "two"), ("data",)), m1=machine)) == ""
        assert "DELETE /containers/two" not in machine.lines


def test_new_tokens_are_asked_for_and_shown_nowhere() -> None:
    swarm = {"Version": {"Index": 3}, "Spec": {"Name": "default"}, "JoinTokens": {"Worker": "SWMTKN-canary"}}
    told = FakeConnection({"GET /swarm": swarm, "POST /swarm/update": {}})
    assert "SWMTKN" not in detail(one(RotateTokens("m1", ("worker", "manager")), m1=told))
    assert told.requests[-1].query == {"version": "3", "rotateWorkerToken": "true", "rotateManagerToken": "true"}
    assert told.requests[-1].body == {"Name": "default"}


def test_a_script_that_refuses_is_told_as_it_says() -> None:
    refused = Completed(65, "", "Err:1\ndeployer: its disk is full\ndeployer-help: make room there\n")
    machine = FakeConnection(outputs={"sh": refused})
    outcome = one(UpgradeEngine("m1", ("docker.io",), "1", "2"), m1=machine)
    assert reason(outcome) == "its disk is full; make room there"
