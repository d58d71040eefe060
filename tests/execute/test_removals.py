"""What is taken away: what the plan saw, nothing else, and only when it is free."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from deployer.model import labels
from deployer.plan.outcome import Done, Failed
from deployer.plan.stacks import RemoveObject, RemoveService, ReplaceNetwork, ReplaceService
from tests.execute.plans import OURS, live, plan, play, service_body
from tests.fakes import FakeConnection, Turns

if TYPE_CHECKING:
    from deployer.plan.operations import Operation
    from deployer.plan.outcome import Outcome

SEEN = live(service_body())
ENTRY = {"ID": SEEN.id, "Version": {"Index": 9}, "Spec": SEEN.spec}
PATH = f"/services/{SEEN.id}"
IN_USE = (403, {"message": "network web_net is in use by task abc"})


def done(operation: Operation, answers: dict[str, Any]) -> tuple[Outcome, FakeConnection]:
    connection = FakeConnection(answers)
    return play(plan(operation), {"m1": connection}).outcomes[1], connection


def task(state: str, *, service: str = SEEN.id, node: str = "n1") -> dict[str, Any]:
    return {"ID": f"t-{state}", "ServiceID": service, "NodeID": node, "Status": {"State": state}}


def test_a_service_goes_and_its_tasks_are_waited_for() -> None:
    tasks = Turns([task("running"), task("running", service="another")], [task("complete")])
    nodes = [{"ID": "n1", "Status": {"State": "ready"}}]
    answers = {f"GET {PATH}": ENTRY, f"DELETE {PATH}": (200, b""), "GET /tasks": tasks, "GET /nodes": nodes}
    outcome, manager = done(RemoveService("web", "web_api", SEEN), answers)
    assert isinstance(outcome, Done), outcome
    assert manager.lines == [f"GET {PATH}", f"DELETE {PATH}", "GET /tasks", "GET /nodes", "GET /tasks"]


def test_tasks_of_machines_that_are_down_are_not_waited_for() -> None:
    nodes = [{"ID": "n1", "Status": {"State": "down"}}]
    answers = {f"GET {PATH}": ENTRY, f"DELETE {PATH}": (200, b""), "GET /tasks": [task("running")], "GET /nodes": nodes}
    assert isinstance(done(RemoveService("web", "web_api", SEEN), answers)[0], Done)


def test_tasks_that_never_end_are_told() -> None:
    nodes = [{"ID": "n1", "Status": {"State": "ready"}}]
    answers = {f"GET {PATH}": ENTRY, f"DELETE {PATH}": (200, b""), "GET /tasks": [task("running")], "GET /nodes": nodes}
    outcome, _ = done(RemoveService("web", "web_api", SEEN), answers)
    assert isinstance(outcome, Failed), outcome
    assert "1 of its tasks are ending" in outcome.reason


def test_a_service_that_is_gone_already() -> None:
    outcome, _ = done(
        RemoveService("web", "web_api", SEEN), {f"GET {PATH}": (404, {"message": "no"}), "GET /tasks": []}
    )
    assert outcome == Done(outcome.seconds if isinstance(outcome, Done) else 0, "already gone")


def test_a_service_that_somebody_else_has_changed_stays() -> None:
    changed = ENTRY | {"Spec": service_body(image="theirs:1")}
    outcome, manager = done(RemoveService("web", "web_api", SEEN), {f"GET {PATH}": changed})
    assert isinstance(outcome, Failed), outcome
    assert "changed by somebody else" in outcome.reason
    assert not any(line.startswith("DELETE") for line in manager.lines)


def test_a_network_is_asked_for_until_it_is_free() -> None:
    answers = {"DELETE /networks/id": Turns(IN_USE, IN_USE, (204, b""))}
    assert isinstance(done(RemoveObject("network", "web", "web_net", "id"), answers)[0], Done)


def test_a_network_that_is_never_free() -> None:
    outcome, _ = done(RemoveObject("network", "web", "web_net", "id"), {"DELETE /networks/id": IN_USE})
    assert isinstance(outcome, Failed), outcome
    assert "in use by task abc" in outcome.reason


@pytest.mark.parametrize("kind", ["config", "secret"])
def test_what_a_service_uses_is_not_asked_for_twice(kind: Any) -> None:
    refused = (400, {"message": f"{kind} 'x' is in use by the following service: y"})
    outcome, manager = done(RemoveObject(kind, "web", "x", "id"), {f"DELETE /{kind}s/id": refused})
    assert isinstance(outcome, Failed), outcome
    assert len(manager.lines) == 1


@pytest.mark.parametrize("kind", ["network", "config", "secret"])
def test_an_object_that_is_gone_already(kind: Any) -> None:
    outcome, _ = done(RemoveObject(kind, "web", "x", "id"), {f"DELETE /{kind}s/id": (404, {"message": "no"})})
    assert isinstance(outcome, Done), outcome
    assert outcome.detail == "already gone"


def test_a_network_is_replaced() -> None:
    body = {"Name": "web_net", "Labels": OURS, "Internal": True}
    answers = {"DELETE /networks/id": (204, b""), "POST /networks/create": (201, {"Id": "new"})}
    outcome, manager = done(ReplaceNetwork("web", "web_net", "id", body), answers)
    assert isinstance(outcome, Done), outcome
    assert manager.lines == ["DELETE /networks/id", "POST /networks/create"]
    assert manager.requests[-1].body == body


def test_a_service_is_replaced() -> None:
    body = service_body(**{labels.HASH: "h2"}) | {"Mode": {"Global": {}}}
    answers = {
        f"GET {PATH}": ENTRY,
        f"DELETE {PATH}": (200, b""),
        "GET /tasks": [],
        "POST /services/create": (201, {"ID": "new"}),
    }
    outcome, manager = done(ReplaceService("web", "web_api", body, SEEN), answers)
    assert isinstance(outcome, Done), outcome
    assert [line for line in manager.lines if not line.startswith("GET")] == [f"DELETE {PATH}", "POST /services/create"]
