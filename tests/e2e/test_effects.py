"""What a plan says of tasks is what the real Swarm does to them: one commit that changes each service in another way."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, Final, NamedTuple

import pytest

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.e2e.standing import Standing


class Case(NamedTuple):
    """A service's keys beside the common ones, before and after; and what the plan is to say of it."""

    before: str
    after: str
    effect: str


ONE: Final = "deploy: {replicas: 1}"
CASES: Final[dict[str, Case]] = {
    "label": Case(ONE, "deploy: {replicas: 1, labels: {a: b}}", "restarts nothing"),
    "pace": Case(ONE, "deploy: {replicas: 1, update_config: {parallelism: 2, delay: 1s}}", "restarts nothing"),
    "wider": Case(
        "deploy: {replicas: 1, placement: {constraints: [node.role == manager]}}",
        "deploy: {replicas: 1, placement: {constraints: [node.role != none]}}",
        "restarts nothing",
    ),
    "spread": Case(
        ONE, "deploy: {replicas: 1, placement: {preferences: [{spread: node.labels.zone}]}}", "restarts nothing"
    ),
    "moved": Case(
        "deploy: {replicas: 1, placement: {constraints: [node.role == manager]}}",
        "deploy: {replicas: 1, placement: {constraints: [node.role == worker]}}",
        "restarts at most 1 task, stop-first",
    ),
    "more": Case(ONE, "deploy: {replicas: 2}", "starts 1 task"),
    "less": Case("deploy: {replicas: 2}", ONE, "stops 1 task"),
    "env": Case(ONE, f"{ONE}\n    environment: {{A: b}}", "restarts 1 task, stop-first"),
    "tags": Case(ONE, f"{ONE}\n    labels: {{A: b}}", "restarts 1 task, stop-first"),
    "policy": Case(
        ONE, "deploy: {replicas: 1, restart_policy: {max_attempts: 5}}", "restarts 1 task, stop-first"
    ),
    "port": Case(
        ONE,
        f"{ONE}\n    ports: [{{target: 6379, published: 16380, mode: host}}]",
        "restarts 1 task, stop-first",
    ),
    "first": Case(
        "deploy: {replicas: 2}",
        "deploy: {replicas: 3, update_config: {parallelism: 0, order: start-first}, resources: {limits: {memory: 64M}}}",
        "restarts 2 tasks, all at once, start-first; starts 1 task",
    ),
    "global": Case(
        "deploy: {mode: global}",
        "deploy: {mode: global, placement: {constraints: [node.role == worker]}}",
        "stops 1 task",
    ),
}  # fmt: skip


def compose(after: bool) -> str:  # noqa: FBT001 - read where it is called
    services = "".join(
        f"  {name}:\n    <<: *base\n    {case.after if after else case.before}\n" for name, case in CASES.items()
    )
    base = "x-base: &base\n  image: redis:7\n  command: [sleep, infinity]\n  init: true\n  networks: [n]\n"
    return f"{base}services:\n{services}networks:\n  n: {{}}\n"


def tasks(cluster: Standing) -> dict[str, set[str]]:
    """By service, the ids of the tasks that are to run."""
    listed = json.loads(
        cluster.on("master", "curl", "-sS", "--unix-socket", "/var/run/docker.sock", "http://d/v1.41/tasks")
    )
    names = {
        told["ID"]: told["Spec"]["Name"]
        for told in json.loads(
            cluster.on("master", "curl", "-sS", "--unix-socket", "/var/run/docker.sock", "http://d/v1.41/services")
        )
    }
    found: dict[str, set[str]] = {}
    for task in listed:
        if task["DesiredState"] == "running":
            found.setdefault(names[task["ServiceID"]], set()).add(task["ID"])
    return found


@pytest.fixture
def effects(cluster: Standing) -> Iterator[Standing]:
    before = cluster.git("rev-parse", "HEAD")
    file = cluster.repo / "stacks/effects/compose.yaml"
    file.parent.mkdir()
    file.write_text(compose(after=False))
    cluster.commit("Services to change")
    try:
        applied = cluster.deployer("apply")
        assert applied.returncode == 0, applied.stdout + applied.stderr
        yield cluster
    finally:
        cluster.back_to(before)
        cluster.on("master", "sh", "-c", "docker stack rm effects; sleep 2; docker stack rm effects; true")


def test_tasks_are_replaced_started_and_stopped_as_the_plan_says(effects: Standing) -> None:
    (effects.repo / "stacks/effects/compose.yaml").write_text(compose(after=True))
    effects.commit("Each in its way")
    steps: dict[str, Any] = {
        step["subject"].removeprefix("effects_"): step["effect"]
        for step in effects.json("plan")["steps"]
        if step["kind"] == "update_service"
    }
    assert {name: effect["text"] for name, effect in steps.items()} == {
        name: case.effect for name, case in CASES.items()
    }
    before = tasks(effects)
    applied = effects.deployer("apply")
    assert applied.returncode == 0, applied.stdout + applied.stderr
    after = tasks(effects)
    real = {}
    for name in steps:
        old, new = before[f"effects_{name}"], after[f"effects_{name}"]
        real[name] = (len(old - new), len(new - old))
    assert real == {
        name: (effect["restarts"] + effect["stops"], effect["restarts"] + effect["starts"])
        for name, effect in steps.items()
    }
