"""A git commit becomes a running cluster, and stays what git says."""

from __future__ import annotations

import json
import re
import urllib.request
from typing import TYPE_CHECKING

from tests.waiting import wait_until

if TYPE_CHECKING:
    from tests.e2e.cluster import Cluster
    from tests.e2e.standing import Standing


def test_apply_makes_a_swarm_with_roles_and_labels(cluster: Standing) -> None:
    members = {entry["Hostname"]: entry for entry in cluster.listed("node", "ls")}
    assert sorted(members) == ["master", "slave", "slave2"]
    assert members["master"]["ManagerStatus"] == "Leader"
    assert members["slave"]["ManagerStatus"] == members["slave2"]["ManagerStatus"] == ""
    zones = {
        name: json.loads(cluster.on("master", "docker", "node", "inspect", name))[0]["Spec"]["Labels"]["zone"]
        for name in members
    }
    assert zones == {"master": "par1", "slave": "par1", "slave2": "par2"}


def test_apply_merges_daemon_json(cluster: Standing) -> None:
    for machine in ("consul", "master", "slave", "slave2"):
        told = json.loads(cluster.on(machine, "cat", "/etc/docker/daemon.json"))
        assert told == {"registry-mirrors": ["http://registry.sandbox:5000"]}


def test_counts_are_as_in_the_file_and_healthy(cluster: Standing) -> None:
    assert cluster.replicas() == {"swarmtest_web": "3/3", "swarmtest_redis": "1/1", "proxy_nginx": "1/1"}
    status = cluster.json("status")
    words = {(row["name"], row["sync"], row["health"]) for row in [*status["nodes"], *status["stacks"]]}
    names = {"consul", "master", "slave", "slave2", "swarmtest", "proxy"}
    assert words == {(name, "Synced", "Healthy") for name in names}


def test_every_machine_is_in_the_catalogue(cluster: Standing) -> None:
    listed = json.loads(cluster.on("consul", "curl", "-sS", "http://127.0.0.1:8500/v1/catalog/nodes"))
    known = {entry["Node"]: entry for entry in listed}
    assert sorted(known) == ["consul", "master", "slave", "slave2"]
    commits = set(cluster.git("rev-list", "--all").splitlines())
    for name, entry in known.items():
        assert entry["Address"] == cluster.address(name)
        assert entry["Meta"]["deployer-swarm"] == {"consul": "none", "master": "manager"}.get(name, "worker")
        version = cluster.on(name, "docker", "version", "--format", "{{.Server.Version}}").strip()
        assert entry["Meta"]["docker-version"] == version
        assert entry["Meta"]["deployer-commit"] in commits


def test_the_proxy_balances_over_the_three_instances(cluster: Standing) -> None:
    """Each answer names the container that gave it, and the count of visits, which redis keeps, goes up by one each time."""
    url = f"http://{cluster.address('master')}/"

    def get() -> str:
        with urllib.request.urlopen(url, timeout=10) as answer:
            return str(answer.read().decode())

    def up() -> bool:
        try:
            get()
        except OSError:
            return False
        return True

    wait_until(up, "nginx to reach the application")
    answers = [re.fullmatch(r"Hello from (\S+): visit (\d+)\n", get()) for _ in range(12)]
    assert all(answers)
    assert len({answer[1] for answer in answers if answer}) == 3
    visits = [int(answer[2]) for answer in answers if answer]
    assert visits == list(range(visits[0], visits[0] + 12))


def test_a_plan_after_an_apply_is_empty(cluster: Standing) -> None:
    planned = cluster.deployer("plan", "--detailed-exitcode")
    assert (planned.returncode, planned.stdout.splitlines()[-1][:10]) == (0, "No changes"), planned.stdout


def test_a_second_apply_writes_nothing(cluster: Standing) -> None:
    """Issue 2: Version.Index unchanged, no restart."""
    versions = cluster.versions()
    tasks = sorted(entry["ID"] for entry in cluster.listed("stack", "ps", "swarmtest"))
    cluster.must("apply")
    assert cluster.versions() == versions
    assert sorted(entry["ID"] for entry in cluster.listed("stack", "ps", "swarmtest")) == tasks


def test_a_count_in_git_is_the_count_that_runs(cluster: Standing) -> None:
    versions = cluster.versions()
    cluster.edit("stacks/swarmtest/compose.yaml", "replicas: 3", "replicas: 5")
    cluster.commit("More web")
    planned = cluster.deployer("plan")
    assert "Mode.Replicated.Replicas: 3 -> 5" in planned.stdout
    assert "count differs" in planned.stdout
    applied = cluster.deployer("apply")
    assert applied.returncode == 0, applied.stderr
    assert cluster.replicas()["swarmtest_web"] == "5/5"
    changed = {key for key, version in cluster.versions().items() if versions[key] != version}
    assert len(changed) == 1, "another service or machine was written as well"
    cluster.git("revert", "--no-edit", "HEAD")
    assert cluster.deployer("apply").returncode == 0
    assert cluster.replicas()["swarmtest_web"] == "3/3"


def test_a_changed_config_gets_a_new_name_and_the_service_moves(cluster: Standing) -> None:
    before = {entry["Name"] for entry in cluster.listed("config", "ls")}
    cluster.edit("stacks/proxy/site.conf", "valid=2s", "valid=1s")
    cluster.commit("Ask sooner")
    applied = cluster.deployer("apply")
    assert applied.returncode == 0, applied.stderr
    (new,) = {entry["Name"] for entry in cluster.listed("config", "ls")} - before
    used = json.loads(cluster.on("master", "docker", "service", "inspect", "proxy_nginx"))[0]
    assert [c["ConfigName"] for c in used["Spec"]["TaskTemplate"]["ContainerSpec"]["Configs"]] == [new]


def test_what_somebody_changed_by_hand_is_drift_and_is_set_back(cluster: Standing) -> None:
    cluster.on("master", "docker", "service", "scale", "--detach", "swarmtest_redis=0")
    planned = cluster.deployer("plan")
    assert "swarmtest_redis: update service, 1 replica (drifted)" in planned.stdout
    assert cluster.deployer("apply").returncode == 0
    assert cluster.replicas()["swarmtest_redis"] == "1/1"


def test_what_is_not_ours_is_never_touched(cluster: Standing) -> None:
    cluster.on("master", "docker", "service", "create", "--detach", "--name", "foreign", "--replicas", "0", "redis:7")
    try:
        planned = cluster.deployer("plan", "--detailed-exitcode")
        assert planned.returncode == 0, planned.stdout
        assert cluster.replicas()["foreign"] == "0/0"
    finally:
        cluster.on("master", "docker", "service", "rm", "foreign")


def test_labels_and_availability_follow_the_file(cluster: Standing) -> None:
    cluster.on("master", "docker", "node", "update", "--label-add", "mine=1", "slave")
    cluster.edit("cluster/nodes/slave.yaml", "{zone: par1}", "{disk: ssd}")
    cluster.commit("Another label")
    assert cluster.deployer("apply").returncode == 0
    labels = json.loads(cluster.on("master", "docker", "node", "inspect", "slave"))[0]["Spec"]["Labels"]
    assert {key: value for key, value in labels.items() if not key.startswith("deployer.")} == {
        "disk": "ssd",
        "mine": "1",
    }
    cluster.git("revert", "--no-edit", "HEAD")
    assert cluster.deployer("apply").returncode == 0


def test_tokens_are_never_shown(cluster: Cluster) -> None:
    """The join tokens of the real swarm, looked for in everything that a verbose run says."""
    tokens = [
        cluster.on("master", "docker", "swarm", "join-token", "--quiet", role).strip() for role in ("worker", "manager")
    ]
    cluster.on("slave", "docker", "swarm", "leave")
    wait_until(lambda: "inactive" in cluster.on("slave", "docker", "info", "--format", "{{.Swarm.LocalNodeState}}"))
    applied = cluster.deployer("apply", "--verbose", "--json")
    assert applied.returncode == 0, applied.stdout
    assert "join the swarm" in applied.stdout + applied.stderr
    for token in tokens:
        assert token.startswith("SWMTKN-")
        assert token not in applied.stdout + applied.stderr
    cluster.forget_lost_members()
