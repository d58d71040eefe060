"""Small plans, and the runs of them."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from deployer.entry import stop_on_signals
from deployer.execute.run import execute
from deployer.model import labels
from deployer.model.observed import LiveService
from deployer.plan.machines import InstallEngine
from deployer.plan.outcome import Done, Failed
from deployer.plan.stacks import CreateService, UpdateService
from deployer.plan.steps import Plan, Step
from tests.fakes import FakeConnection, link, run_without_waiting

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine, Mapping

    from deployer.plan.operations import Operation
    from deployer.plan.outcome import Event, Outcome, Report

OURS = {labels.CLUSTER: "test", labels.STACK: "web", labels.HASH: "h1", labels.COMMIT: "c1"}


def plan(*steps: Operation | Step, manager: str = "m1") -> Plan:
    """Operations are steps that need nothing."""
    numbered = [step if isinstance(step, Step) else Step(number, step, None) for number, step in enumerate(steps, 1)]
    return Plan("test", "c" * 40, tuple(numbered), manager=manager)


def step(number: int, node: str, *, needs: tuple[int, ...] = (), follows: tuple[int, ...] = ()) -> Step:
    """A step whose length and end the machine's commands decide: an installation."""
    return Step(number, InstallEngine(node, "distro"), None, (), needs, follows)


def play(
    wanted: Plan,
    machines: Mapping[str, FakeConnection | BaseException],
    listen: Callable[[Event], None] | None = None,
    run: Callable[[Coroutine[Any, Any, Report]], Report] = run_without_waiting,
) -> Report:
    """Execute it; nothing may be left open or running. `run` is the other one where there are real sockets."""

    async def scenario() -> Report:
        async with link(machines) as connections:
            return await execute(
                wanted, connections, listen or (lambda _: None), lambda _: None, stopping=stop_on_signals
            )

    try:
        return run(scenario())
    finally:
        open_ones = {name: found.streams for name, found in machines.items() if isinstance(found, FakeConnection)}
        assert not any(open_ones.values()), f"streams are left open: {open_ones}"


def service_body(name: str = "web_api", image: str = "api:1", **labels_: str) -> dict[str, Any]:
    """As a plan holds it."""
    return {
        "Name": name,
        "Labels": OURS | labels_,
        "TaskTemplate": {"ContainerSpec": {"Image": image}},
        "Mode": {"Replicated": {"Replicas": 1}},
    }


def live(body: Mapping[str, Any], version: int = 5) -> LiveService:
    return LiveService(f"id-{body['Name']}", version, json.loads(json.dumps(body)), 1, 1)


def create(name: str = "web_api") -> CreateService:
    return CreateService("web", name, service_body(name))


def update(old: Mapping[str, Any] | None = None, new: Mapping[str, Any] | None = None) -> UpdateService:
    seen = old or service_body(image="api:0", **{labels.HASH: "h0"})
    return UpdateService("web", "web_api", new or service_body(), live(seen))


def detail(outcome: Outcome) -> str:
    """What a step that succeeded has to say."""
    assert isinstance(outcome, Done), outcome
    return outcome.detail


def reason(outcome: Outcome) -> str:
    """Why a step failed."""
    assert isinstance(outcome, Failed), outcome
    return outcome.reason
