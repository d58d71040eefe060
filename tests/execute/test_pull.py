"""Images on the way to the engine: digests that the plan could not know, credentials that no plan holds."""

from __future__ import annotations

import base64
import json
from typing import TYPE_CHECKING, Any

import pytest

from deployer.docker import segment
from deployer.model import labels
from deployer.plan.outcome import Done, Failed
from deployer.plan.stacks import CreateService
from tests.execute.plans import plan, play, service_body, update
from tests.fakes import FakeConnection

if TYPE_CHECKING:
    from pathlib import Path

IMAGE = "r.example/api:1"
ASK = f"GET /distribution/{segment(IMAGE)}/json"
DIGEST = "sha256:ab"


@pytest.fixture(autouse=True)
def config(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    auths = {"r.example": {"auth": base64.b64encode(b"ann:s3cret").decode()}}
    (tmp_path / "config.json").write_text(json.dumps({"auths": auths}))
    monkeypatch.setenv("DOCKER_CONFIG", str(tmp_path))


def body(image: str = IMAGE) -> dict[str, Any]:
    made = service_body(image=f"{image}@{labels.IMAGE_DIGEST}")
    return {**made, "Labels": {**made["Labels"], labels.DIGEST: labels.IMAGE_DIGEST}}


def user(request: Any) -> Any:
    header = request.headers.get("x-registry-auth")
    return header and json.loads(base64.urlsafe_b64decode(header))["username"]


def test_the_run_asks_for_what_the_plan_could_not_know() -> None:
    manager = FakeConnection({ASK: {"Descriptor": {"digest": DIGEST}}, "POST /services/create": (201, {"ID": "x"})})
    report = play(plan(CreateService("web", "web_api", body())), {"m1": manager})
    assert isinstance(report.outcomes[1], Done)
    asked, created = manager.requests[-2:]
    assert created.body["TaskTemplate"]["ContainerSpec"]["Image"] == f"{IMAGE}@{DIGEST}"
    assert created.body["Labels"][labels.DIGEST] == DIGEST
    assert (user(asked), user(created)) == ("ann", "ann")


def test_a_registry_that_refuses_is_no_reason_to_start_from_a_bare_tag() -> None:
    refused = (500, {"message": "connection refused"})
    manager = FakeConnection(
        {ASK: refused, "GET /images/r.example%2Fapi%3A1/json": (404, {"message": "no such image"})}
    )
    outcome = play(plan(CreateService("web", "web_api", body())), {"m1": manager}).outcomes[1]
    assert isinstance(outcome, Failed)
    assert "r.example does not say what r.example/api:1 is: connection refused; m1 has it neither" in outcome.reason
    assert "POST /services/create" not in manager.lines


def test_an_update_brings_fresh_credentials_for_its_own_registry_only() -> None:
    for image, expected in ((f"{IMAGE}@{DIGEST}", "ann"), ("other.example/api:1", None)):
        operation = update(new=service_body(image=image))
        manager = FakeConnection({"GET /tasks": [], "POST /services/id-web_api/update": {}})
        assert isinstance(play(plan(operation), {"m1": manager}).outcomes[1], Done)
        assert user(manager.requests[-1]) == expected
