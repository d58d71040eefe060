"""A kept plan against one that is made later: the same, or what has moved."""

from dataclasses import replace
from typing import Any

import pytest

from deployer.diff.cause import Cause
from deployer.model.secret import Secret
from deployer.plan.saved import list_moves, save_plan
from deployer.plan.stacks import AwaitServices, CreateObject, UpdateService
from deployer.plan.steps import Plan, Step
from tests.literals.desired import COMMIT
from tests.literals.live import deploy_service
from tests.literals.stacks import make_service

SEEN = deploy_service(make_service("s_web", 2), version=7)
UPDATE = UpdateService("s", "s_web", make_service("s_web", 3), SEEN)
SECRET = CreateObject("secret", "s", "s_key", {"Name": "s_key", "Data": Secret("aHVudGVyMg==")})
WAIT = AwaitServices("s", ("s_web",), 180.0)


def plan(*operations: Any, cluster: str = "c") -> Plan:
    return Plan(cluster, COMMIT, tuple(Step(n, one, Cause.CHANGED) for n, one in enumerate(operations, 1)))


KEPT = save_plan(plan(SECRET, UPDATE, WAIT), "main", "pepper")


@pytest.mark.parametrize(
    "same",
    [
        plan(SECRET, UPDATE, WAIT),
        pytest.param(plan(SECRET, UPDATE), id="nothing to wait for"),
        pytest.param(plan(SECRET, replace(UPDATE, seen=replace(SEEN, running=0, wanted=9))), id="tasks came and went"),
    ],
)
def test_the_same(same: Plan) -> None:
    assert list_moves(KEPT, same) == []


@pytest.mark.parametrize(
    ("now", "told"),
    [
        (plan(SECRET, replace(UPDATE, seen=replace(SEEN, version=8))), ["s_web: update service, 3 replicas: not as it was"]),
        (plan(SECRET, replace(UPDATE, body=make_service("s_web", 3, "app:2"))), ["s_web: update service, 3 replicas: not as it was"]),
        (plan(replace(SECRET, body={**SECRET.body, "Data": Secret("x")}), UPDATE), ["s_key: create secret: not as it was"]),
        (plan(UPDATE), ["s_key: create secret: not to be done any more"]),
        (plan(), ["s_key: create secret: not to be done any more", "s_web: update service, 3 replicas: not to be done any more"]),
        (plan(SECRET, UPDATE, replace(SECRET, kind="config")), ["s_key: create config: to be done as well"]),
        (plan(SECRET, UPDATE, cluster="d"), ["it is a plan for the cluster c, this is d"]),
    ],
)  # fmt: skip
def test_moved(now: Plan, told: list[str]) -> None:
    assert list_moves(KEPT, now) == told


def test_equal_secrets_have_other_hashes_in_other_files() -> None:
    assert save_plan(plan(SECRET), "main", "salt").steps[0].hash != KEPT.steps[0].hash
