"""Every kind of failure on the real cluster: told with its cause and its last words, and gone back from."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import pytest

from tests.e2e.failures import KINDS, STAYS, Kind
from tests.waiting import wait_until

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.e2e.standing import Standing

TRIED_AGAIN: Final = ("f-image", "f-sick")
"""Stacks that fail in two applies, one after the other."""
CHAIN: Final = """\
x-deployer: {on_failure: rollback-stack, wait: 120s}
services:
  db:
    image: redis:7
    network_mode: host
    command: ["sh", "-c", "DBecho db; STAYS"]
    healthcheck: {test: ["CMD", "true"], interval: 1s}
  web:
    image: redis:7
    network_mode: host
    environment: {VERSION: "1", PASSWORD: hunter2hunter2}
    command: ["sh", "-c", "WEBecho web $$PASSWORD; STAYS"]
    depends_on: {db: {condition: service_healthy}}
"""


@dataclass
class Run:
    """One apply: its exit code and its report."""

    code: int
    report: dict[str, Any]

    def step(self, stack: str, kind: str = "await_services") -> dict[str, Any]:
        return next(s for s in self.report["steps"] if s["group"]["name"] == stack and s["kind"] == kind)

    @property
    def failures(self) -> list[str]:
        return [
            step["outcome"].get("reason", "") for step in self.report["steps"] if step["outcome"]["state"] != "done"
        ]


def apply(cluster: Standing, *options: str) -> Run:
    done = cluster.deployer("apply", "--json", "--progress", "quiet", *options)
    return Run(done.returncode, json.loads(done.stdout))


def write(cluster: Standing, stack: str, text: str | None) -> None:
    file = cluster.repo / "stacks" / stack / "compose.yaml"
    if text is not None:
        file.parent.mkdir(exist_ok=True)
        file.write_text(text)


def remove(cluster: Standing, *stacks: str) -> None:
    """Out of the swarm and out of git, so that the cluster is as it was."""
    for stack in stacks:
        cluster.on("master", "sh", "-c", f"docker stack rm {stack} || true")
    cluster.git("rm", "-r", "--quiet", *(f"stacks/{stack}" for stack in stacks))
    cluster.commit("Without them")


@pytest.fixture(scope="module")
def played(cluster: Standing) -> Iterator[tuple[Run, Run]]:
    """(the failures that are tried again, all of them): what runs before, then those, then the rest with them once more."""
    for kind in KINDS:
        write(cluster, kind.stack, kind.compose(fails=False))
    cluster.commit("All is well")
    well = apply(cluster)
    assert well.code == 0, well.failures
    for kind in KINDS:
        if kind.stack in TRIED_AGAIN:
            write(cluster, kind.stack, kind.compose(fails=True))
    cluster.commit("Two of them fail")
    first = apply(cluster)
    for kind in KINDS:
        write(cluster, kind.stack, kind.compose(fails=True))
    cluster.commit("All of them fail")
    try:
        yield first, apply(cluster)
    finally:
        remove(cluster, *(kind.stack for kind in KINDS))


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.stack)
def test_a_failure_is_told_with_its_cause_and_its_last_words(kind: Kind, played: tuple[Run, Run]) -> None:
    _, run = played
    outcome = run.step(kind.stack)["outcome"]
    assert run.code == 1
    assert outcome["state"] == "failed"
    assert kind.told in outcome["reason"]
    assert any(kind.log in line for line in outcome["log"]), outcome["log"]
    assert ("back to image redis:7, 1/1" in outcome["reason"]) == kind.back, outcome["reason"]


def test_everything_else_is_finished_and_what_went_back_runs(cluster: Standing, played: tuple[Run, Run]) -> None:
    _, run = played
    states = {s["outcome"]["state"] for s in run.report["steps"] if s["kind"] in {"create_service", "update_service"}}
    assert states == {"done"}
    counts = cluster.replicas()
    went_back = [f"{kind.stack}_x" for kind in KINDS if kind.back]
    assert {name: counts[name] for name in went_back} == dict.fromkeys(went_back, "1/1")
    rows = {row["name"]: row["sync"] for row in cluster.json("status")["stacks"]}
    assert {rows[kind.stack] for kind in KINDS if kind.back} == {"OutOfSync"}
    assert rows["swarmtest"] == "Synced"


def test_the_same_commit_is_tried_again(played: tuple[Run, Run]) -> None:
    first, second = played
    assert {first.step(stack)["outcome"]["state"] for stack in TRIED_AGAIN} == {"failed"}
    assert {second.step(stack, "update_service")["cause"] for stack in TRIED_AGAIN} == {"changed in git"}


def chain(db: str = "", web: str = "", version: str = "1") -> str:
    return (
        CHAIN.replace("STAYS", STAYS)
        .replace("DB", db)
        .replace("WEB", web)
        .replace('VERSION: "1"', f'VERSION: "{version}"')
    )


def specs(cluster: Standing, *services: str) -> list[Any]:
    told = json.loads(cluster.on("master", "docker", "service", "inspect", *services))
    return [one["Spec"] for one in told]


def test_a_stack_goes_back_as_a_whole_and_dependants_are_skipped(cluster: Standing) -> None:
    write(cluster, "chain", chain())
    cluster.commit("A chain")
    try:
        made = apply(cluster, "--only", "chain")
        assert made.code == 0, made.failures
        assert [s["kind"] for s in made.report["steps"]] == [
            "create_service", "await_services", "create_service", "await_services", "roll_back_stack",
        ]  # fmt: skip
        assert made.step("chain", "roll_back_stack")["outcome"]["detail"] == "not needed"
        before = specs(cluster, "chain_db", "chain_web")
        # The second of two fails: the first, which was well, goes back with it.
        write(cluster, "chain", chain("true; ", "echo $$PASSWORD; exit 1; ", "2"))
        cluster.commit("Its end fails")
        ended = apply(cluster, "--only", "chain")
        assert ended.code == 1
        assert specs(cluster, "chain_db", "chain_web") == before
        log = " ".join(ended.report["steps"][-2]["outcome"]["log"])
        assert "[secret]" in log
        assert "hunter2hunter2" not in json.dumps(ended.report)
        # The first of two fails: the second is not tried.
        write(cluster, "chain", chain("exit 1; ", "true; ", "2"))
        cluster.commit("Its beginning fails")
        begun = apply(cluster, "--only", "chain")
        assert begun.code == 1
        states = [step["outcome"]["state"] for step in begun.report["steps"]]
        assert states == ["done", "failed", "skipped", "skipped", "done"]
        assert begun.report["steps"][2]["outcome"]["because"] == 2
        assert specs(cluster, "chain_db", "chain_web") == before
        ps = cluster.json("ps", "chain", "--all")
        assert {"chain_db", "chain_web"} == {row["service"] for row in ps["containers"]}
        assert {row["machine"] for row in ps["containers"]} <= {"master", "slave", "slave2"}
        records = cluster.deployer("logs", "chain/web", "--tail", "5")
        assert records.returncode == 0, records.stderr
        assert "/chain_web.1" in records.stdout
    finally:
        remove(cluster, "chain")


def test_ten_services_are_updated_and_known_to_be_well(cluster: Standing) -> None:
    """`docker stack deploy --detach=false` takes about 50 s for it: each waits for the one before.

    New tasks start beside the old ones here: stopping one takes Swarm two seconds before anything else (moby,
    daemon/cluster/executor/container/controller.go, defaultGossipConvergeDelay). Five of the eight seconds are the monitor period.
    """

    def ten(version: int) -> str:
        one = f'    image: redis:7\n    network_mode: host\n    command: ["sh", "-c", "{STAYS}"]\n    environment: {{VERSION: V}}\n'
        one += "    deploy: {update_config: {order: start-first}}\n"
        return "services:\n" + "".join(f"  s{number}:\n{one}" for number in range(10)).replace("V}", f"'{version}'}}")

    write(cluster, "ten", ten(1))
    cluster.commit("Ten services")
    try:
        assert apply(cluster, "--only", "ten").code == 0
        write(cluster, "ten", ten(2))
        cluster.commit("Ten updates")
        updated = apply(cluster, "--only", "ten")
        assert updated.code == 0, updated.failures
        assert updated.report["summary"]["done"] == 11
    finally:
        remove(cluster, "ten")
        wait_until(lambda: not [name for name in cluster.replicas() if name.startswith("ten_")])


def test_a_run_ends_when_its_time_is_up(cluster: Standing) -> None:
    write(
        cluster,
        "slow",
        "services: {x: {image: 'redis:7', network_mode: host, healthcheck: {test: [CMD, 'false'], interval: 60s}}}\n",
    )
    cluster.commit("It never becomes healthy")
    try:
        ended = cluster.deployer("apply", "--timeout", "8s", "--only", "slow")
        assert ended.returncode == 124, ended.stdout + ended.stderr
    finally:
        remove(cluster, "slow")
