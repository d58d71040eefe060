"""What runs is in Consul's catalogue; and Consul itself with three servers, an agent, a token and a gossip key."""

from __future__ import annotations

import base64
import json
import os
import uuid
from typing import TYPE_CHECKING, Any

import pytest

from tests.e2e.standing import Standing
from tests.waiting import wait_until

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

WEB = "swarmtest-web"
SERVERS = ("c1", "c2", "c3")
ALL = (*SERVERS, "app")


def healthy(cluster: Standing, service: str) -> dict[str, str]:
    """id -> address:port of the instances that pass all their checks."""
    url = f"http://127.0.0.1:8500/v1/health/service/{service}?passing"
    told = json.loads(cluster.on("consul", "curl", "-sS", url))
    return {one["Service"]["ID"]: f"{one['Service']['Address']}:{one['Service']['Port']}" for one in told}


class TestTheDemo:
    def test_web_has_three_healthy_instances_that_answer_where_consul_says(self, cluster: Standing) -> None:
        wait_until(lambda: len(healthy(cluster, WEB)) == 3, saw=lambda: healthy(cluster, WEB))
        found = healthy(cluster, WEB)
        assert {place.partition(":")[0] for place in found.values()} <= {
            cluster.address(name) for name in ("master", "slave", "slave2")
        }
        for place in found.values():
            assert cluster.on("consul", "curl", "-sS", f"http://{place}/health") == "ok\n"

    def test_services_shows_them(self, cluster: Standing) -> None:
        listed = cluster.deployer("services", WEB)
        assert listed.returncode == 0, listed.stderr
        rows = [line.split() for line in listed.stdout.splitlines() if line.startswith(WEB)]
        assert [(row[1], row[4]) for row in rows] == [("3/3", "passing")] * 3

    def test_an_instance_that_is_killed_goes_and_comes(self, cluster: Standing) -> None:
        before = healthy(cluster, WEB)
        machine, container, _ = min(before).split(":")
        cluster.on(machine, "docker", "kill", container)
        wait_until(lambda: not set(healthy(cluster, WEB)) >= set(before), "the killed instance to be gone")
        wait_until(lambda: len(healthy(cluster, WEB)) == 3, seconds=180, saw=lambda: healthy(cluster, WEB))
        assert len(set(healthy(cluster, WEB)) - set(before)) == 1

    def test_a_count_in_git_is_the_count_in_the_catalogue(self, cluster: Standing) -> None:
        cluster.edit("stacks/swarmtest/compose.yaml", "replicas: 3", "replicas: 4")
        cluster.commit("One more")
        assert cluster.deployer("apply").returncode == 0
        wait_until(lambda: len(healthy(cluster, WEB)) == 4, saw=lambda: healthy(cluster, WEB))
        cluster.git("revert", "--no-edit", "HEAD")
        assert cluster.deployer("apply").returncode == 0
        wait_until(lambda: len(healthy(cluster, WEB)) == 3, saw=lambda: healthy(cluster, WEB))

    def test_status_counts_what_is_registered(self, cluster: Standing) -> None:
        def told() -> dict[str, Any]:
            return {row["name"]: row["registrator"] for row in cluster.json("status")["nodes"]}

        # web three times, and nginx on the manager
        wait_until(lambda: sum(one["instances"] or 0 for one in told().values()) == 4, saw=told)
        assert all(one["running"] and not one["missing"] and not one["stale"] for one in told().values())


class TestTheRegistrator:
    def test_it_is_nobody_with_the_sockets_group_and_reads_only(self, cluster: Standing) -> None:
        group = cluster.on("slave", "stat", "-L", "-c", "%g", "/var/run/docker.sock").strip()
        (told,) = json.loads(cluster.on("slave", "docker", "inspect", "deployer-registrator"))
        assert told["Config"]["User"] == f"65534:{group}"
        assert told["Config"]["Hostname"] == "slave"
        assert [(mount["Destination"], mount["RW"]) for mount in told["Mounts"]] == [("/tmp/docker.sock", False)]

    def test_killed_it_comes_back_by_itself(self, cluster: Standing) -> None:
        def state() -> tuple[str, int]:
            (told,) = json.loads(cluster.on("slave", "docker", "inspect", "deployer-registrator"))
            return told["State"]["Status"], told["State"]["Pid"]

        _, before = state()
        cluster.on("slave", "kill", "-9", str(before))
        wait_until(lambda: state()[0] == "running" and state()[1] not in {0, before}, saw=state)
        wait_until(lambda: len(healthy(cluster, WEB)) == 3)

    def test_stopped_by_hand_the_next_apply_starts_it_and_what_came_meanwhile_is_registered(
        self, cluster: Standing
    ) -> None:
        cluster.on("slave", "docker", "stop", "deployer-registrator")
        cluster.on("slave", "docker", "run", "--detach", "--name", "late", "--publish", "8099:80", "nginx:1.27")
        try:
            planned = cluster.deployer("plan")
            assert "slave: run deployer-registrator from deployer-registrator:" in planned.stdout
            assert "(not running)" in planned.stdout
            assert cluster.json("status")["nodes"][2]["registrator"]["running"] is False
            applied = cluster.json("apply")
            assert [step["kind"] for step in applied["steps"]] == ["run_container"], "no image is built again"
            wait_until(lambda: any(one.startswith("slave:late:") for one in healthy(cluster, "nginx")))
        finally:
            cluster.on("slave", "docker", "rm", "--force", "late")
        wait_until(lambda: not any(":late:" in one for one in healthy(cluster, "nginx")))
        assert cluster.deployer("plan", "--detailed-exitcode").returncode == 0

    def test_other_flags_are_one_step_a_machine(self, cluster: Standing) -> None:
        cluster.edit("cluster/cluster.yaml", "resync: 60", "resync: 30")
        cluster.commit("Look more often")
        applied = cluster.json("apply")
        assert applied["ok"], applied
        assert [(step["subject"], step["kind"], step["cause"]) for step in applied["steps"]] == [
            (name, "run_container", "changed in git") for name in ("consul", "master", "slave", "slave2")
        ]
        wait_until(lambda: len(healthy(cluster, WEB)) == 3, "three instances, which are registered all the while")
        cluster.git("revert", "--no-edit", "HEAD")
        assert cluster.deployer("apply").returncode == 0


class Secured(Standing):
    """Three servers and an agent; nobody may do anything without the token."""

    def __init__(self, home: Path) -> None:
        super().__init__("consul", home)
        self.token = str(uuid.uuid4())
        self.key = base64.b64encode(os.urandom(32)).decode()
        files = {"token": self.token, "gossip": self.key}
        for name, text in files.items():
            (home / name).touch(mode=0o600)
            (home / name).write_text(f"{text}\n")
        nodes = self.repo / "cluster/nodes"
        nodes.mkdir(parents=True)
        (self.repo / "cluster/cluster.yaml").write_text(
            "name: secured\n"
            "ssh: {user: root}\n"
            'engine: {daemon: {registry-mirrors: ["http://registry.sandbox:5000"]}}\n'
            "consul:\n"
            "  image: hashicorp/consul:1.20\n"
            f"  token_file: {home / 'token'}\n"
            f"  gossip_key_file: {home / 'gossip'}\n"
            "registrator: {}\n"
        )
        for name in ALL:
            role = "server" if name in SERVERS else "agent"
            (nodes / f"{name}.yaml").write_text(f"address: 192.0.2.1\nswarm: none\nconsul: {role}\n")
        # each gets an address of its own from the sandbox
        for number, name in enumerate(ALL, 1):
            file = nodes / f"{name}.yaml"
            file.write_text(file.read_text().replace("192.0.2.1", f"192.0.2.{number}"))

    def ask(self, machine: str, path: str, *options: str, token: bool = True) -> str:
        """The agent's answer on that machine, the status on a line of its own."""
        header = ("--header", f"X-Consul-Token: {self.token}") if token else ()
        url = f"http://127.0.0.1:8500/v1/{path}"
        return self.on(machine, "curl", "-sS", "--max-time", "5", "-w", "\n%{http_code}", *header, *options, url)

    def body(self, machine: str, path: str) -> Any:
        return json.loads(self.ask(machine, path).rpartition("\n")[0])


@pytest.fixture(scope="module")
def secured(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Secured]:
    made = Secured(tmp_path_factory.mktemp("consul"))
    with made.machines("Three servers and an agent", engine=True):
        said = made.must("apply", "--verbose")
        assert made.token not in said
        assert made.key not in said
        yield made


class TestThreeServers:
    def test_all_know_each_other(self, secured: Secured) -> None:
        def known() -> dict[str, Any]:
            return {entry["Node"]: entry for entry in secured.body("app", "catalog/nodes")}

        # An agent enters the catalogue by itself, with its Meta a moment later (Consul, "Anti-entropy").
        wait_until(
            lambda: sorted(known()) == sorted(ALL) and all(entry["Meta"] for entry in known().values()), seconds=180
        )
        for name, entry in known().items():
            assert entry["Address"] == secured.address(name)
            assert entry["Meta"]["deployer-cluster"] == "secured"
            assert entry["Meta"]["docker-version"] in secured.on(name, "docker", "version")
        assert len(secured.body("app", "status/peers")) == 3
        members = {one["Name"]: one["Tags"]["role"] for one in secured.body("app", "agent/members")}
        assert members == {"c1": "consul", "c2": "consul", "c3": "consul", "app": "node"}

    def test_a_plan_after_it_is_empty_and_all_is_well(self, secured: Secured) -> None:
        planned = secured.deployer("plan", "--detailed-exitcode")
        assert planned.returncode == 0, planned.stdout + planned.stderr
        wait_until(lambda: secured.json("status")["well"], saw=lambda: secured.deployer("status").stdout)

    def test_nobody_may_do_anything_without_the_token(self, secured: Secured) -> None:
        assert secured.ask("app", "catalog/nodes", token=False).splitlines() == ["[]", "200"]
        assert secured.ask("c1", "kv/x", "--request", "PUT", "--data", "1", token=False).endswith("\n403")
        assert secured.ask("c1", "kv/x", "--request", "PUT", "--data", "1").splitlines() == ["true", "200"]

    def test_an_agent_listens_on_the_loopback_only(self, secured: Secured) -> None:
        url = f"http://{secured.address('app')}:8500/v1/status/leader"
        assert secured.on("c1", "sh", "-c", f"curl -sS --max-time 5 {url} || echo closed").strip() == "closed"

    def test_gossip_is_encrypted(self, secured: Secured) -> None:
        for machine in ALL:
            assert "Gossip: true" in secured.on(machine, "docker", "logs", "deployer-consul")

    def test_secrets_are_in_files_only(self, secured: Secured) -> None:
        for machine in ALL:
            containers = secured.on(machine, "docker", "inspect", "deployer-consul", "deployer-registrator")
            processes = secured.on(machine, "ps", "-eo", "args")
            for secret in (secured.token, secured.key):
                assert secret not in containers + processes

    def test_the_registrator_and_the_commands_have_the_token(self, secured: Secured) -> None:
        labels = ("--label", "SERVICE_NAME=shop")
        secured.on("app", "docker", "run", "--detach", "--name", "shop", "--publish", "8080:6379", *labels, "redis:7")
        try:
            wait_until(lambda: bool(secured.body("c2", "catalog/service/shop")))
            (entry,) = secured.body("c2", "catalog/service/shop")
            assert (entry["Node"], entry["ServiceAddress"], entry["ServicePort"]) == (
                "app", secured.address("app"), 8080,
            )  # fmt: skip
            assert "shop" in secured.deployer("services").stdout
        finally:
            secured.on("app", "docker", "rm", "--force", "shop")
        wait_until(lambda: not secured.body("c2", "catalog/service/shop"))


class TestUpgrade:
    def test_from_server_to_server_without_loss(self, secured: Secured) -> None:
        secured.ask("c1", "kv/kept", "--request", "PUT", "--data", "a value")
        secured.edit("cluster/cluster.yaml", "consul:1.20", "consul:latest")
        secured.commit("A newer Consul")
        applied = secured.json("apply")
        assert applied["ok"], applied
        assert [(step["subject"], step["kind"], step["cause"]) for step in applied["steps"]] == [
            ("c1", "run_container", "image differs"),
            ("c1", "await_consul", None),
            ("c2", "run_container", "image differs"),
            ("c2", "await_consul", None),
            ("c3", "run_container", "image differs"),
            ("c3", "await_consul", None),
            ("app", "run_container", "image differs"),
        ]
        wait_until(lambda: secured.ask("app", "kv/kept?raw").splitlines() == ["a value", "200"])
        assert len(secured.body("c1", "status/peers")) == 3
        assert secured.deployer("plan", "--detailed-exitcode").returncode == 0

    def test_a_server_that_is_gone_comes_back_with_its_data(self, secured: Secured) -> None:
        leader = secured.body("app", "status/leader").partition(":")[0]
        (name,) = (name for name in SERVERS if secured.address(name) == leader)
        secured.on(name, "docker", "rm", "--force", "deployer-consul")
        wait_until(lambda: secured.ask("app", "kv/kept?raw&stale").splitlines() == ["a value", "200"])
        applied = secured.json("apply")
        assert applied["ok"], applied
        assert [(step["subject"], step["kind"]) for step in applied["steps"]] == [
            (name, "run_container"),
            (name, "await_consul"),
        ]
        assert secured.ask(name, "kv/kept?raw").splitlines() == ["a value", "200"]

    def test_a_machine_that_is_down_restarts_nobody(self, secured: Secured) -> None:
        ids = {
            name: secured.on(name, "docker", "inspect", "-f", "{{.Id}}", "deployer-consul") for name in ("c2", "app")
        }
        with secured.away("c3"):
            applied = secured.deployer("apply")
            assert applied.returncode == 6, applied.stdout + applied.stderr
            assert "c3" in applied.stdout + applied.stderr
        for name, identifier in ids.items():
            assert secured.on(name, "docker", "inspect", "-f", "{{.Id}}", "deployer-consul") == identifier
