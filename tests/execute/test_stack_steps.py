"""Networks, configs, secrets and services: what is sent, and what is made of the answers."""

from __future__ import annotations

import copy
import logging
from typing import TYPE_CHECKING, Any

import pytest

from deployer.execute import world
from deployer.execute.broken import BrokenOffError
from deployer.model import labels
from deployer.model.secret import Secret
from deployer.plan.outcome import Done, Failed
from deployer.plan.stacks import CreateObject, CreateService, UpdateService
from deployer.remote import ConnectionFailedError
from tests.execute.plans import OURS, create, detail, live, plan, play, reason, service_body, update
from tests.fakes import FakeConnection, Turns

if TYPE_CHECKING:
    from collections.abc import Mapping

    from deployer.plan.operations import Operation
    from deployer.plan.outcome import Event, Outcome

CONFLICT = (409, {"message": "name conflicts with an existing object"})
SEQUENCE = (500, {"message": "rpc error: code = Unknown desc = update out of sequence"})
LOST = ConnectionFailedError("the answer breaks off")
UPDATE = "POST /services/id-web_api/update"
READ = "GET /services/id-web_api"


def done(operation: Operation, answers: dict[str, Any]) -> tuple[Outcome, FakeConnection]:
    """What became of the only step, and the manager's notes."""
    connection = FakeConnection({"GET /tasks": []} | answers)
    return play(plan(operation), {"m1": connection}).outcomes[1], connection


def network(**more: Any) -> CreateObject:
    return CreateObject("network", "web", "web_net", {"Name": "web_net", "Driver": "overlay", "Labels": OURS} | more)


def test_a_network_is_created_as_the_plan_holds_it() -> None:
    outcome, manager = done(network(Options={"encrypted": ""}), {"POST /networks/create": (201, {"Id": "x"})})
    assert detail(outcome) == ""
    (request,) = [request for request in manager.requests if request.line == "POST /networks/create"]
    assert request.body == {"Name": "web_net", "Driver": "overlay", "Labels": OURS, "Options": {"encrypted": ""}}
    assert manager.lines == ["POST /networks/create"]


@pytest.mark.parametrize(
    ("kind", "present"),
    [
        ("network", {"Id": "x", "Name": "web_x", "Labels": OURS}),
        ("config", {"ID": "x", "Spec": {"Name": "web_x", "Labels": OURS}}),
        ("secret", {"ID": "x", "Spec": {"Name": "web_x", "Labels": OURS}}),
    ],
)
def test_what_is_there_already_is_no_failure_if_it_is_ours(kind: Any, present: dict[str, Any]) -> None:
    operation = CreateObject(kind, "web", "web_x", {"Name": "web_x", "Labels": OURS})
    answers = {f"POST /{kind}s/create": CONFLICT, f"GET /{kind}s/web_x": present}
    assert detail(done(operation, answers)[0]) == "already there"
    foreign = copy.deepcopy(present)
    (foreign.get("Spec") or foreign)["Labels"] = None
    outcome, _ = done(operation, answers | {f"GET /{kind}s/web_x": foreign})
    assert reason(outcome) == "name conflicts with an existing object"


def test_a_write_whose_answer_was_lost_finds_out_that_it_was_done() -> None:
    """The engine restarts: the first request has created the network, and the answer never came."""
    answers = {
        "POST /networks/create": Turns(LOST, LOST, CONFLICT),
        "GET /networks/web_net": {"Id": "x", "Name": "web_net", "Labels": OURS},
    }
    assert detail(done(network(), answers)[0]) == "already there"


@pytest.mark.parametrize(
    "trouble",
    [
        LOST,
        (503, {"message": "This node is not a swarm manager."}),
        (500, {"message": "The swarm does not have a leader."}),
    ],
)
def test_a_manager_that_is_away_for_a_moment_is_waited_for(trouble: Any) -> None:
    outcome, manager = done(network(), {"POST /networks/create": Turns(trouble, trouble, (201, {"Id": "x"}))})
    assert detail(outcome) == ""
    assert manager.lines.count("POST /networks/create") == 3


def test_a_manager_that_stays_away_costs_its_time_once() -> None:
    connection = FakeConnection({"GET /tasks": [], "POST /services/create": LOST})
    report = play(plan(*(create(f"web_{number}") for number in range(8))), {"m1": connection})
    assert all(isinstance(outcome, Failed) for outcome in report.outcomes.values())
    assert world.LOST_SECONDS < report.seconds < world.LOST_SECONDS + 1


def test_a_refusal_is_final() -> None:
    outcome, manager = done(network(), {"POST /networks/create": (400, {"message": "invalid subnet"})})
    assert reason(outcome) == "invalid subnet"
    assert len(manager.lines) == 1


CANARY = "c2VjcmV0LWNhbmFyeQ=="


@pytest.mark.parametrize(
    "answer", [(201, {"ID": "x"}), (500, {"message": "no space left"}), LOST, (200, b"<html>"), KeyError("bug")]
)
def test_a_secret_is_seen_by_the_engine_alone(answer: Any, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    operation = CreateObject("secret", "web", "web_pw", {"Name": "web_pw", "Labels": OURS, "Data": Secret(CANARY)})
    connection = FakeConnection({"POST /secrets/create": answer})
    events: list[Event] = []
    wanted = plan(operation)
    seen: list[object] = [wanted]
    try:
        seen.append(play(wanted, {"m1": connection}, events.append))
    except BrokenOffError as error:
        seen += [error, error.report, error.__cause__]
    sent = next(request for request in connection.requests if request.line == "POST /secrets/create")
    assert sent.body["Data"] == CANARY
    assert CANARY not in repr((seen, events, caplog.text))


def test_a_service_is_created_with_the_ids_of_what_it_refers_to() -> None:
    body = service_body()
    body["TaskTemplate"]["ContainerSpec"] |= {
        "Configs": [{"ConfigName": "web_c_1", "File": {"Name": "/c"}}, {"ConfigName": "web_d_1"}],
        "Secrets": [{"SecretName": "web_pw_1", "SecretID": "stale"}],
    }
    before = copy.deepcopy(body)
    answers = {
        "GET /configs": [named("c1", "web_c_1"), named("c10", "web_c_10"), named("d1", "web_d_1")],
        "GET /secrets": [named("s1", "web_pw_1")],
        "POST /services/create": (201, {"ID": "x"}),
    }
    outcome, manager = done(CreateService("web", "web_api", body), answers)
    assert detail(outcome) == ""
    assert manager.lines == ["GET /configs", "GET /secrets", "POST /services/create"]
    sent = manager.requests[-1].body
    assert sent["TaskTemplate"]["ContainerSpec"]["Configs"] == [
        {"ConfigName": "web_c_1", "ConfigID": "c1", "File": {"Name": "/c"}},
        {"ConfigName": "web_d_1", "ConfigID": "d1"},
    ]
    assert sent["TaskTemplate"]["ContainerSpec"]["Secrets"] == [{"SecretName": "web_pw_1", "SecretID": "s1"}]
    del sent["TaskTemplate"]["ContainerSpec"]["Configs"], sent["TaskTemplate"]["ContainerSpec"]["Secrets"]
    assert sent == service_body()
    assert body == before, "the plan is not changed"
    assert manager.requests[1].query == {"filters": '{"name": ["web_c_1", "web_d_1"]}'}


def named(identifier: str, name: str) -> dict[str, Any]:
    return {"ID": identifier, "Spec": {"Name": name}}


def test_a_reference_to_nothing_is_named_before_anything_is_written() -> None:
    body = service_body()
    body["TaskTemplate"]["ContainerSpec"]["Secrets"] = [{"SecretName": "web_b"}, {"SecretName": "web_a"}]
    outcome, manager = done(CreateService("web", "web_api", body), {"GET /secrets": [named("x", "web_ab")]})
    assert reason(outcome) == "secret web_a, web_b does not exist"
    assert manager.lines == ["GET /secrets"]


def test_a_service_without_references_costs_one_request() -> None:
    assert done(create(), {"POST /services/create": (201, {"ID": "x"})})[1].lines == ["POST /services/create"]


@pytest.mark.parametrize(
    ("kept", "ends"),
    [
        (OURS, "already there"),
        (OURS | {labels.COMMIT: "c2"}, "already there"),
        (OURS | {labels.HASH: "h2"}, "was created by somebody else"),
        (OURS | {labels.CLUSTER: "other"}, "was created by somebody else"),
        (None, "was created by somebody else"),
    ],
)
def test_a_service_that_is_there_already(kept: Mapping[str, str] | None, ends: str) -> None:
    """Made by a run that was killed, or by this one when the answer was lost: the hash tells; else it is somebody else's."""
    present = {"ID": "x", "Spec": {"Name": "web_api", "Labels": kept}}
    outcome, _ = done(create(), {"POST /services/create": CONFLICT, "GET /services/web_api": present})
    assert ends in (outcome.detail if isinstance(outcome, Done) else reason(outcome))
    assert isinstance(outcome, Done) == (ends == "already there")


def test_an_update_is_sent_over_the_version_that_the_plan_saw() -> None:
    outcome, manager = done(update(), {UPDATE: {}})
    assert detail(outcome) == ""
    (request,) = [request for request in manager.requests if request.line == UPDATE]
    assert request.query == {"version": "5"}
    assert request.body == service_body()


def present(spec: Mapping[str, Any], version: int) -> dict[str, Any]:
    return {"ID": "id-web_api", "Version": {"Index": version}, "Spec": spec}


def test_a_version_that_moved_without_the_spec_is_tried_again() -> None:
    """A rolling update raises it (moby#39891)."""
    operation = update()
    seen = operation.seen.spec
    answers = {UPDATE: Turns(SEQUENCE, SEQUENCE, {}), READ: Turns(present(seen, 6), present(seen, 9))}
    outcome, manager = done(operation, answers)
    assert detail(outcome) == ""
    assert [request.query["version"] for request in manager.requests if request.line == UPDATE] == ["5", "6", "9"]


def test_a_spec_that_moved_is_somebody_elses_and_stays() -> None:
    operation = update()
    changed = copy.deepcopy(dict(operation.seen.spec))
    changed["TaskTemplate"]["ContainerSpec"]["Image"] = "api:hotfix"
    outcome, manager = done(operation, {UPDATE: SEQUENCE, READ: present(changed, 6)})
    assert reason(outcome) == "service web_api was changed by somebody else since the plan was made; run apply again"
    assert manager.lines.count(UPDATE) == 1


def test_an_update_whose_answer_was_lost_finds_out_that_it_was_done() -> None:
    operation = update()
    outcome, _ = done(operation, {UPDATE: Turns(LOST, SEQUENCE), READ: present(operation.body, 6)})
    assert detail(outcome) == "already so"


def test_a_drifted_service_that_drifts_again_is_not_taken_for_the_lost_answer() -> None:
    """Its label names git's definition all along; only the spec tells that somebody writes to it."""
    drifted = service_body(image="api:hand")
    operation = UpdateService("web", "web_api", service_body(), live(drifted))
    outcome, _ = done(operation, {UPDATE: SEQUENCE, READ: present(service_body(image="api:other-hand"), 6)})
    assert "changed by somebody else" in reason(outcome)


def test_a_service_that_changes_all_the_time_is_left_alone() -> None:
    operation = update()
    outcome, manager = done(operation, {UPDATE: SEQUENCE, READ: present(operation.seen.spec, 6)})
    assert "changes too often" in reason(outcome)
    assert manager.lines.count(UPDATE) == 5


def test_a_service_that_is_gone() -> None:
    outcome, _ = done(update(), {UPDATE: (404, {"message": "service id-web_api not found"})})
    assert reason(outcome) == "service id-web_api not found"


def test_names_are_segments_of_paths() -> None:
    operation = CreateObject("config", "web", "a/b?c", {"Name": "a/b?c", "Labels": OURS})
    there = {"POST /configs/create": CONFLICT, "GET /configs/a%2Fb%3Fc": {"Spec": {"Labels": OURS}}}
    assert detail(done(operation, there)[0]) == "already there"
