"""The other two sizes of cluster: one machine without SSH, and thirty machines at once."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.e2e.cluster import Cluster
    from tests.e2e.standing import Standing

ADDRESSES = 30


@pytest.fixture
def engine_socket(cluster: Cluster, tmp_path: Path) -> Iterator[Path]:
    """The engine of one machine at a socket of this machine, so that this machine's own engine is left alone.

    That machine leaves the swarm for as long.
    """
    cluster.on("slave2", "docker", "swarm", "leave", "--force")
    with cluster.engine_socket("slave2", tmp_path) as socket:
        yield socket
    cluster.on("slave2", "sh", "-c", "docker swarm leave --force || true")
    cluster.must("apply")
    cluster.forget_lost_members()


def test_init_and_apply_need_no_ssh_no_consul_and_no_sandbox(
    cluster: Standing, engine_socket: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shop = tmp_path / "shop"
    made = cluster.deployer("init", str(shop))
    assert made.returncode == 0, made.stderr
    (node,) = (shop / "cluster/nodes").iterdir()
    assert "\naddress: local\n" in node.read_text()
    # The engine is in another place than this machine: its address has to be named, and its port 8080 is its own.
    with node.open("a") as file:
        file.write(f"\nadvertise: {cluster.address('slave2')}\n")
    monkeypatch.setitem(cluster.env, "DOCKER_HOST", f"unix://{engine_socket}")
    applied = cluster.deployer("apply", "--repo", str(shop), "--worktree")
    assert applied.returncode == 0, applied.stdout + applied.stderr
    running = cluster.on("slave2", "docker", "service", "ls", "--format", "{{.Name}} {{.Replicas}}").split()
    assert running[:2] == ["hello_web", "1/1"]
    page = cluster.on("slave2", "curl", "-sS", "--max-time", "10", "http://127.0.0.1:8080/")
    assert "nginx" in page
    planned = cluster.deployer("plan", "--repo", str(shop), "--worktree", "--detailed-exitcode")
    assert planned.returncode == 0, planned.stdout


def test_facts_of_thirty_machines(cluster: Standing, tmp_path: Path) -> None:
    """One connection each, all at once; thirty addresses are served by one sshd, which a limit of its own would trip."""
    subnet = cluster.address("consul").rpartition(".")[0]
    addresses = [f"{subnet}.{number}" for number in range(100, 100 + ADDRESSES)]
    commands = [f"ip address replace {address}/24 dev eth0" for address in addresses]
    sshd = "/usr/sbin/sshd -E /run/sshd-thirty.log -p 2222 -o MaxStartups=200 -o PidFile=/run/sshd-thirty.pid"
    cluster.on("consul", "sh", "-c", " && ".join([*commands, sshd]))
    repo = tmp_path / "thirty"
    (repo / "cluster/nodes").mkdir(parents=True)
    (repo / "cluster/cluster.yaml").write_text(
        f"name: thirty\nssh: {{user: root, port: 2222, connect_timeout: 60, identity_file: {cluster.identity_file}}}\nengine: {{install: none}}\n"
    )
    host_key = cluster.on("consul", "cat", "/etc/ssh/ssh_host_ed25519_key.pub").split()[:2]
    (repo / "cluster/known_hosts").write_text("".join(f"[{a}]:2222 {' '.join(host_key)}\n" for a in addresses))
    for number, address in enumerate(addresses):
        (repo / f"cluster/nodes/m{number}.yaml").write_text(f"address: {address}\nswarm: none\n")
    try:
        planned = cluster.deployer("plan", "--repo", str(repo), "--worktree", "--detailed-exitcode")
        assert planned.returncode == 0, planned.stdout + planned.stderr
        log = cluster.on("consul", "cat", "/run/sshd-thirty.log")
        assert log.count("Accepted publickey for root") == ADDRESSES, log
    finally:
        removals = [f"ip address del {address}/24 dev eth0" for address in addresses]
        cluster.on("consul", "sh", "-c", "; ".join(["kill $(cat /run/sshd-thirty.pid)", *removals]))
