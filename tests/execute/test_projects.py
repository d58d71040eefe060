"""Compose mode: how far containers are, what is refused, and what goes; the engine is a fake."""

from __future__ import annotations

import json
from typing import Any

import pytest

from deployer.errors import DeployerError
from deployer.execute.projects import _judge, compose_down, compose_up
from deployer.execute.world import World
from deployer.model.project import Project, ProjectService
from deployer.plan.projects import ComposeDown, ComposeUp
from tests.fakes import FakeConnection, link, run

PROJECT = Project("shop", "m1", "{}", (ProjectService("web", 2, "nginx", "w1"),), {})


def container(
    status: str = "running", code: int = 0, *, policy: str = "no", health: str = "", restarts: int = 0
) -> dict[str, Any]:
    state: dict[str, Any] = {"Status": status, "ExitCode": code}
    return {
        "Id": "c1",
        "Name": "/shop-web-1",
        "RestartCount": restarts,
        "Config": {"Labels": {"com.docker.compose.service": "web"}},
        "State": state | ({"Health": {"Status": health}} if health else {}),
        "HostConfig": {"RestartPolicy": {"Name": policy}},
    }


@pytest.mark.parametrize(
    ("second", "line", "late", "failed"),
    [
        pytest.param(container(), "web 2/2", [], [], id="running"),
        pytest.param(container(health="healthy"), "web 2/2", [], [], id="healthy"),
        pytest.param(container(health="starting"), "web 1/2", ["web 1/2"], [], id="starting"),
        pytest.param(container(health="unhealthy"), "web 1/2", ["web 1/2"], ["web: its health check fails"], id="unhealthy"),
        pytest.param(container("exited"), "web 2/2", [], [], id="ended as it was to"),
        pytest.param(container("exited", policy="always"), "web 1/2", ["web 1/2"], [], id="between two starts"),
        pytest.param(container("exited", 3), "web 1/2", ["web 1/2"], ["web: it ended with exit code 3"], id="failed"),
        pytest.param(
            container("restarting", 3, policy="always", restarts=3), "web 1/2", ["web 1/2"],
            ["web: it ended 3 times, with exit code 3 at last"], id="fails again and again",
        ),
    ],
)  # fmt: skip
def test_how_far_it_is(second: dict[str, Any], line: str, late: list[str], failed: list[str]) -> None:
    assert _judge(PROJECT, [container(), second]) == (line, late, failed)


def test_a_project_of_somebody_else_is_not_taken_over() -> None:
    listed = [{"Id": "c1", "Names": ["/shop-web-1"], "Labels": {"com.docker.compose.project": "shop"}}]
    connection = FakeConnection({"GET /containers/json": listed})

    async def up() -> None:
        async with link({"m1": connection}) as machines:
            world = World(machines, "")
            try:
                await compose_up(world, ComposeUp("shop", "m1", PROJECT, 10, first=True), lambda _line: None)
            finally:
                await world.close()

    with pytest.raises(
        DeployerError, match=r"a compose project shop is there that is not this cluster's \(container shop-web-1\)"
    ):
        run(up())
    assert connection.lines == ["GET /containers/json"]


def test_what_goes_are_containers_and_networks_of_ours() -> None:
    connection = FakeConnection({
        "GET /containers/json": [{"Id": "c1"}],
        "POST /containers/c1/stop": (204, b""),
        "DELETE /containers/c1": (204, b""),
        "GET /networks": [{"Id": "n1"}],
        "DELETE /networks/n1": (204, b""),
    })  # fmt: skip

    async def down() -> str:
        async with link({"m1": connection}) as machines:
            world = World(machines, "")
            try:
                return await compose_down(world, ComposeDown("shop", "m1", "test"))
            finally:
                await world.close()

    assert run(down()) == "1 container removed; volumes stay"
    asked = json.loads(connection.requests[1].query["filters"])
    assert asked == {"label": ["deployer.cluster=test", "com.docker.compose.project=shop"]}
