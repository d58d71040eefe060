"""What runs on the machines of a cluster, and what it wrote. Answers as Engine 20.10 gives them."""

from __future__ import annotations

from typing import Any

import pytest

from deployer.errors import DeployerError, UnreachableError
from deployer.model.running import LogQuery, LogRecord, Row, Running
from deployer.observe.logs import observe_logs
from deployer.observe.running import observe_running
from deployer.remote import ConnectionFailedError
from tests.docker.test_frames import frame
from tests.fakes import FakeConnection, cluster, link, node, run

MEMBERS = cluster(node("m1"), node("w1", role="worker"))
WEB: dict[str, Any] = {
    "Id": "a" * 64, "Names": ["/shop_web.1.t1"], "Image": "web:1@sha256:0", "Command": "web --serve", "Created": 100,
    "State": "running", "Status": "Up 5 minutes (healthy)",
    "Ports": [{"IP": "0.0.0.0", "PrivatePort": 80, "PublicPort": 8080, "Type": "tcp"}, {"PrivatePort": 6379, "Type": "tcp"},
              {"IP": "::", "PrivatePort": 80, "PublicPort": 8080, "Type": "tcp"}],
    "Labels": {"com.docker.stack.namespace": "shop", "com.docker.swarm.service.name": "shop_web", "com.docker.swarm.task.id": "t1"},
}  # fmt: skip
PLAIN = {"Id": "b" * 64, "Names": ["/consul"], "Image": "consul:1", "Command": "", "Created": 50, "State": "exited",
         "Status": "Exited (137) 2 hours ago", "Ports": [], "Labels": {}}  # fmt: skip
SERVICES = [{"ID": "s1", "Spec": {"Name": "shop_web", "Labels": {"com.docker.stack.namespace": "shop"}}}]
NODES = [{"ID": "n1", "Description": {"Hostname": "m1"}}, {"ID": "n2", "Description": {"Hostname": "w1"}}]


def task(id_: str, state: str, *, desired: str = "running", node: str = "", error: str = "") -> dict[str, Any]:
    return {"ID": id_, "ServiceID": "s1", "NodeID": node, "Slot": 2, "DesiredState": desired,
            "Spec": {"ContainerSpec": {"Image": "web:2@sha256:1"}}, "Status": {"State": state, "Err": error}}  # fmt: skip


TASKS = [
    task("t1", "running", node="n2"),
    task("t2", "pending", error="no suitable node (scheduling constraints not satisfied on 2 nodes)"),
    task("t3", "rejected", desired="shutdown", node="n2", error="No such image: web:2"),
    task("t4", "shutdown", desired="shutdown", node="n1"),
]


def machines() -> dict[str, FakeConnection]:
    manager = FakeConnection(
        {"GET /containers/json": [PLAIN], "GET /tasks": TASKS, "GET /services": SERVICES, "GET /nodes": NODES}
    )
    return {"m1": manager, "w1": FakeConnection({"GET /containers/json": [WEB]})}


def look(there: Any, stack: str = "", *, everything: bool = False) -> Running:
    async def asked() -> Running:
        async with link(there, MEMBERS) as reached:
            return await observe_running(MEMBERS, reached, stack, everything=everything)

    return run(asked())


def test_containers_of_every_machine_and_tasks_that_have_none() -> None:
    there = machines()
    found = look(there)
    assert [(row.machine, row.name, row.status) for row in found.rows] == [
        ("", "shop_web.2.t2", "Pending: no suitable node (scheduling constraints not satisfied on 2 nodes)"),
        ("m1", "consul", "Exited (137) 2 hours ago"),
        ("w1", "shop_web.1.t1", "Up 5 minutes (healthy)"),
    ]
    assert there["w1"].requests[-1].query == {"all": "false"}
    assert found.rows[2] == Row(
        "w1", "shop_web.1.t1", "a" * 12, "web:1", "web --serve", 100.0, "Up 5 minutes (healthy)",
        ("0.0.0.0:8080->80/tcp", "6379/tcp", "[::]:8080->80/tcp"), "shop", "shop_web", "t1",
    )  # fmt: skip
    assert found.rows[1].failed


def test_one_stack_with_what_failed() -> None:
    there = machines()
    found = look(there, "shop", everything=True)
    assert [(row.machine, row.task, row.failed) for row in found.rows] == [
        ("", "t2", False), ("w1", "t1", False), ("w1", "t3", True),
    ]  # fmt: skip
    assert there["w1"].requests[-1].query == {"all": "true"}


def test_a_machine_that_does_not_answer_is_named() -> None:
    there = machines() | {"w1": ConnectionFailedError("no answer within 5 s")}
    found = look(there)
    assert found.silent == (("w1", "no answer within 5 s"),)
    assert [row.name for row in found.rows if row.id] == ["consul"]
    with pytest.raises(UnreachableError, match="no machine can be asked: m1: refused"):
        look(dict.fromkeys(["m1", "w1"], ConnectionFailedError("refused")))


def test_without_a_swarm_there_are_containers_alone() -> None:
    there = machines()
    for path in ("/tasks", "/services", "/nodes"):
        there["m1"].answers[f"GET {path}"] = (503, {"message": "This node is not a swarm manager."})
    assert [row.name for row in look(there).rows] == ["consul", "shop_web.1.t1"]


def logs(there: Any, query: LogQuery) -> tuple[list[LogRecord], list[str]]:
    told: list[LogRecord] = []

    async def asked() -> list[str]:
        async with link(there, MEMBERS) as reached:
            return await observe_logs(MEMBERS, reached, query, told.append)

    return told, run(asked())


def line(second: int, task_id: str, node_id: str, text: str, service: str = "s1") -> bytes:
    about = (
        f"com.docker.swarm.node.id={node_id},com.docker.swarm.service.id={service},com.docker.swarm.task.id={task_id}"
    )
    return frame(1, f"2026-01-01T00:00:{second:02}.5Z {about} {text}\n".encode())


def talking() -> dict[str, FakeConnection]:
    there = machines()
    manager = there["m1"]
    db = {"ID": "s2", "Spec": {"Name": "shop_db", "Labels": {"com.docker.stack.namespace": "shop"}}}
    other = {"ID": "s3", "Spec": {"Name": "other", "Labels": {}}}
    manager.answers["GET /services"] = [*SERVICES, db, other]
    said = line(3, "t1", "n2", "c = 1") + line(1, "t9", "n9", "a")
    manager.answers["GET /services/s1/logs"] = (200, said)
    manager.answers["GET /services/s2/logs"] = (200, line(2, "t1", "n1", "b", "s2") + frame(2, b"warning: no task\n"))
    return there


def test_records_of_all_services_in_the_order_of_time() -> None:
    there = talking()
    told, missing = logs(there, LogQuery("shop", tail=3, since=7.0))
    assert [(one.node, one.task, one.text) for one in told] == [
        ("", "", "warning: no task"), ("n9", "shop_web.t9", "a"), ("m1", "shop_db.2", "b"), ("w1", "shop_web.2", "c = 1"),
    ]  # fmt: skip
    assert missing == []
    (asked, *_) = [one for one in there["m1"].requests if one.line.endswith("/logs")]
    assert asked.query == {
        "stdout": "true", "stderr": "true", "timestamps": "true", "details": "true", "follow": "false", "tail": "3", "since": "7",
    }  # fmt: skip


def test_one_service_alone() -> None:
    told, _ = logs(talking(), LogQuery("shop", "db"))
    assert "a" not in [one.text for one in told]


def test_a_log_that_cannot_be_read_costs_itself_only() -> None:
    there = talking()
    there["m1"].answers["GET /services/s2/logs"] = (
        501,
        {"message": "configured logging driver does not support reading"},
    )
    told, missing = logs(there, LogQuery("shop"))
    assert len(told) == 2
    assert missing == ["shop_db: configured logging driver does not support reading"]


@pytest.mark.parametrize(
    ("query", "message", "help_"),
    [
        (LogQuery("shp"), "no service of a stack shp runs", "there are shop"),
        (LogQuery("shop", "wbe"), "the stack shop has no service wbe", "it has db, web"),
    ],
)
def test_what_is_not_there(query: LogQuery, message: str, help_: str) -> None:
    with pytest.raises(DeployerError) as caught:
        logs(talking(), query)
    assert (caught.value.message, caught.value.help) == (message, help_)


def test_without_a_manager() -> None:
    with pytest.raises(UnreachableError, match="no manager can be asked: m1: down"):
        logs({"m1": ConnectionFailedError("down"), "w1": FakeConnection()}, LogQuery("shop"))
