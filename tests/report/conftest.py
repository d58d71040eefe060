"""One plan and one report of it that between them show everything."""

from __future__ import annotations

import pytest

from deployer.diff.cause import Cause
from deployer.diff.change import Blocked
from deployer.model.field import ABSENT, Field
from deployer.model.observed import LiveService
from deployer.plan.machines import InstallEngine
from deployer.plan.outcome import Done, Failed, Report, Skipped
from deployer.plan.stacks import AwaitServices, CreateService, UpdateService
from deployer.plan.steps import Plan, Step
from deployer.plan.swarm import JoinSwarm
from deployer.report.paint import Paint

COMMIT = "1a2b3c4d5e" + "0" * 30


@pytest.fixture
def plain() -> Paint:
    return Paint(on=False)


@pytest.fixture
def colours() -> Paint:
    return Paint(on=True)


@pytest.fixture
def plan() -> Plan:
    body = {
        "Name": "web_api",
        "TaskTemplate": {"ContainerSpec": {"Image": "api:2", "Env": ["DB_PASSWORD=hunter2"]}},
        "Mode": {"Replicated": {"Replicas": 2}},
    }
    fields = (
        Field("Mode.Replicated.Replicas", 1, 3),
        Field("TaskTemplate.ContainerSpec.Env", ABSENT, ["API_TOKEN=hunter2", "COLOUR=red"]),
    )
    seen = LiveService("id1", 7, {"Name": "web_cache"}, 1, 1)
    return Plan(
        "sandbox",
        COMMIT,
        (
            Step(1, InstallEngine("slave", "distro"), Cause.NOT_FOUND),
            Step(2, JoinSwarm("slave", "worker", "10.0.0.3", "master"), Cause.NOT_FOUND, needs=(1,)),
            Step(3, CreateService("web", "web_api", body), Cause.NOT_FOUND, follows=(1, 2)),
            Step(
                4, UpdateService("web", "web_cache", {"Name": "web_cache"}, seen), Cause.CHANGED, fields, follows=(1, 2)
            ),
            Step(5, AwaitServices("web", ("web_api", "web_cache"), 180.0), None, needs=(3, 4)),
        ),
        (Blocked("slave2", "connection refused", "is the machine on?", unreachable=True),),
        unchanged=4,
        manager="master",
    )


@pytest.fixture
def report(plan: Plan) -> Report:
    return Report(
        plan,
        {
            1: Done(31.24, "Docker 26.1.5"),
            2: Failed(3.1, "no route to 10.0.0.2:2377", ("joining", "Error: \x1b[31mno route\x1b[0m")),
            3: Done(0.02),
            4: Failed(0.5, "image not found"),
            5: Skipped(4),
        },
        41.3,
    )
