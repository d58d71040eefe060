"""What git does not have any more goes, guarded; what cannot be changed is replaced."""

from __future__ import annotations

import json
from textwrap import dedent
from typing import TYPE_CHECKING, Any

import pytest

from tests.waiting import wait_until

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.e2e.standing import Standing

FILE = "stacks/p/compose.yaml"
WHOLE = """
services:
  a:
    image: redis:7
    networks: [back]
  b:
    image: redis:7
    networks: [old]
  idle:
    image: redis:7
    configs: [site]
    volumes: ["kept:/data"]
    deploy: {replicas: 0}
configs:
  site: {file: site.txt}
networks:
  back: {}
  old: {}
volumes:
  kept: {}
"""
LESS = WHOLE.replace("  b:\n    image: redis:7\n    networks: [old]\n", "").replace("  old: {}\n", "")


def write(cluster: Standing, text: str, message: str) -> str:
    (cluster.repo / FILE).write_text(dedent(text))
    return cluster.commit(message)


def done(cluster: Standing, *argv: str) -> str:
    ran = cluster.deployer(*(argv or ("apply",)))
    assert ran.returncode == 0, ran.stdout + ran.stderr
    return ran.stdout + ran.stderr


def names(cluster: Standing, kind: str, prefix: str) -> list[str]:
    return sorted(entry["Name"] for entry in cluster.listed(kind, "ls") if entry["Name"].startswith(prefix))


@pytest.fixture(scope="module")
def pruning(cluster: Standing) -> Iterator[Standing]:
    """Two stacks more; in the end git has none of them, and neither has the cluster."""
    (cluster.repo / FILE).parent.mkdir()
    (cluster.repo / "stacks/p/site.txt").write_text("0\n")
    (cluster.repo / "stacks/q.yaml").write_text("services: {x: {image: 'redis:7', deploy: {replicas: 0}}}\n")
    write(cluster, WHOLE, "Two stacks more")
    done(cluster)
    yield cluster
    cluster.git("rm", "-r", "--quiet", "--ignore-unmatch", "stacks/p", "stacks/q.yaml")
    cluster.commit("As before")
    done(cluster)
    assert [name for kind in ("service", "network", "config") for name in names(cluster, kind, "p_")] == []


def test_a_service_its_network_and_a_whole_stack(pruning: Standing) -> None:
    theirs = ("service", "create", "--detach", "--name", "p_foreign", "--replicas", "0", "redis:7")
    pruning.on("master", "docker", *theirs)
    before = pruning.versions()
    pruning.git("rm", "--quiet", "stacks/q.yaml")
    write(pruning, LESS, "Less")
    planned = pruning.json("plan")
    assert [(step["mark"], step["subject"]) for step in planned["steps"]] == [
        ("-", "q_x"), ("-", "p_b"), ("-", "p_old"), ("-", "q_default"),
    ]  # fmt: skip
    assert {step["cause"] for step in planned["steps"]} == {"not in git any more"}
    assert planned["summary"]["remove"] == 4
    done(pruning)
    try:
        assert names(pruning, "service", "p_") == ["p_a", "p_foreign", "p_idle"]
        assert names(pruning, "network", "p_") == ["p_back", "p_default"]  # that of p_idle
        assert names(pruning, "service", "q_") == names(pruning, "network", "q_") == []
        after = pruning.versions()
        written = [key for key, version in after.items() if key.startswith("service") and before[key] != version]
        assert written == [], "what stays was written"
    finally:
        pruning.on("master", "docker", "service", "rm", "p_foreign")


def test_the_last_three_contents_of_a_config_stay(pruning: Standing) -> None:
    for number in range(1, 6):
        (pruning.repo / "stacks/p/site.txt").write_text(f"{number}\n")
        pruning.commit(f"Content {number}")
        done(pruning)
    there = names(pruning, "config", "p_site-")
    assert len(there) == 4, there
    (used,) = json.loads(pruning.on("master", "docker", "service", "inspect", "p_idle"))
    configs = used["Spec"]["TaskTemplate"]["ContainerSpec"]["Configs"]
    assert [config["ConfigName"] in there for config in configs] == [True]
    contents = json.loads(pruning.on("master", "docker", "config", "inspect", *there))
    assert sorted(one["Spec"]["Data"] for one in contents) == ["Mgo=", "Mwo=", "NAo=", "NQo="]  # 2 to 5


def test_a_network_with_other_options_is_replaced_with_the_services_on_it(pruning: Standing) -> None:
    write(pruning, LESS.replace("back: {}", "back: {attachable: true}"), "Another network")
    planned = pruning.json("plan")
    assert [(step["mark"], step["subject"]) for step in planned["steps"]] == [
        ("-", "p_a"), ("-/+", "p_back"), ("+", "p_a"), (".", "p"),
    ]  # fmt: skip
    done(pruning)
    (network,) = json.loads(pruning.on("master", "docker", "network", "inspect", "p_back"))
    assert network["Attachable"] is True
    assert pruning.replicas()["p_a"] == "1/1"
    assert pruning.deployer("plan", "--detailed-exitcode").returncode == 0


def test_a_service_of_another_mode_is_replaced(pruning: Standing) -> None:
    there = (pruning.repo / FILE).read_text()
    only = "deploy: {mode: global, placement: {constraints: [node.labels.zone==par2]}}"
    write(pruning, there.replace("networks: [back]\n", f"networks: [back]\n    {only}\n"), "One on each")
    planned = pruning.json("plan")
    assert [(step["mark"], step["subject"]) for step in planned["steps"]] == [("-/+", "p_a"), (".", "p")]
    assert (planned["summary"]["add"], planned["summary"]["remove"]) == (1, 1)
    done(pruning)
    assert pruning.replicas()["p_a"] == "1/1"


class TestGuards:
    """Nothing is written, and the exit code is 5."""

    def refused(self, cluster: Standing, *options: str) -> str:
        before = cluster.versions()
        planned = cluster.deployer("plan", *options)
        applied = cluster.deployer("apply", *options)
        assert (planned.returncode, applied.returncode) == (5, 5), planned.stdout + applied.stderr
        assert cluster.versions() == before
        reason: str = json.loads(cluster.deployer("plan", "--json", *options).stdout)["refused"][0]["reason"]
        assert reason in planned.stdout
        assert reason in applied.stderr
        return reason

    def commits(self, cluster: Standing) -> Any:
        return cluster.git("rev-parse", "HEAD")

    def test_no_stack_would_remain(self, pruning: Standing) -> None:
        before = self.commits(pruning)
        pruning.git("rm", "-r", "--quiet", "stacks")
        pruning.commit("Everything")
        assert "no stack would remain" in self.refused(pruning)
        assert "no stack would remain" in self.refused(pruning, "--allow-delete", "p")
        wrong = pruning.deployer("apply", "--allow-delete", "yes")
        assert wrong.returncode == 2, wrong.stderr
        assert "nothing that is called 'yes' would be removed" in wrong.stderr
        near = pruning.deployer("plan", "--allow-delete", "swarmtets")
        assert "did you mean 'swarmtest'?" in near.stderr
        pruning.git("reset", "--quiet", "--hard", before)

    def test_a_folder_has_another_name(self, pruning: Standing) -> None:
        before = self.commits(pruning)
        for name in ("swarmtest", "p", "proxy"):
            pruning.git("mv", f"stacks/{name}", f"stacks/{name}x")
        pruning.edit("stacks/proxyx/compose.yaml", "after: [swarmtest]", "after: [swarmtestx]")
        pruning.commit("Other names")
        assert "stacks would be removed, which is more than a fifth" in self.refused(pruning)
        pruning.git("reset", "--quiet", "--hard", before)

    def test_an_older_commit_and_another_history(self, pruning: Standing) -> None:
        now = self.commits(pruning)
        older = pruning.git("rev-parse", "HEAD~2")
        assert f"is older than {now[:10]}" in self.refused(pruning, "--rev", older)
        assert pruning.deployer("plan", "--rev", older, "--replaces", now[:10]).returncode == 0
        pruning.git("checkout", "--quiet", "--orphan", "unrelated")
        pruning.edit(FILE, "replicas: 0", "replicas: 1")
        pruning.commit("A history of its own")
        assert "have no commit in common" in self.refused(pruning)
        pruning.git("checkout", "--quiet", "--force", "main")
        pruning.git("branch", "--quiet", "-D", "unrelated")


def catalogue(cluster: Standing) -> list[str]:
    listed = json.loads(cluster.on("consul", "curl", "-sS", "http://127.0.0.1:8500/v1/catalog/nodes"))
    return sorted(entry["Node"] for entry in listed)


def test_a_consul_that_no_file_asks_for_any_more(pruning: Standing) -> None:
    with (pruning.repo / "cluster/nodes/slave.yaml").open("a") as file:
        file.write("\nconsul: agent\n")
    pruning.commit("An agent on slave")
    done(pruning)
    running = ("docker", "ps", "--all", "--format", "{{.Names}}")
    assert "deployer-consul" in pruning.on("slave", *running).split()
    pruning.git("revert", "--no-edit", "HEAD")
    said = done(pruning)
    assert "leave Consul and remove deployer-consul; its volume stays" in said
    assert "deployer-consul" not in pruning.on("slave", *running).split()
    assert "deployer-consul-data" in pruning.on("slave", "docker", "volume", "ls", "--quiet").split()
    assert catalogue(pruning) == ["consul", "master", "slave", "slave2"]
    # One that has left would have its machine taken out of the catalogue by the leader, once a minute.
    members = json.loads(pruning.on("consul", "curl", "-sS", "http://127.0.0.1:8500/v1/agent/members"))
    assert [entry["Name"] for entry in members] == ["consul"]
    assert pruning.deployer("plan", "--detailed-exitcode").returncode == 0
    pruning.on("slave", "docker", "volume", "rm", "deployer-consul-data")


@pytest.fixture
def without_slave2(pruning: Standing) -> Iterator[Standing]:
    """Whatever becomes of it, the modules after this one find slave2 in the swarm."""
    pruning.git("rm", "--quiet", "cluster/nodes/slave2.yaml")
    pruning.edit(FILE, "par2", "par1")
    pruning.commit("Without slave2")
    yield pruning
    pruning.on("slave2", "sh", "-c", "docker swarm leave --force || true")
    state = ("docker", "info", "--format", "{{.Swarm.LocalNodeState}}")
    wait_until(lambda: "inactive" in pruning.on("slave2", *state))
    pruning.git("revert", "--no-edit", "HEAD")
    done(pruning)
    assert sorted(entry["Hostname"] for entry in pruning.listed("node", "ls")) == ["master", "slave", "slave2"]


def test_a_machine_that_git_does_not_have_any_more(without_slave2: Standing) -> None:
    said = done(without_slave2)
    assert "slave2: drain" in said
    assert sorted(entry["Hostname"] for entry in without_slave2.listed("node", "ls")) == ["master", "slave"]
    assert without_slave2.replicas()["swarmtest_web"] == "3/3"
    assert catalogue(without_slave2) == ["consul", "master", "slave"]
    assert without_slave2.deployer("plan", "--detailed-exitcode").returncode == 0
