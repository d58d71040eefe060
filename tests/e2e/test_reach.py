"""How machines are reached, and reach each other: sudo that wants a password, ports that are shut, small packets."""

from __future__ import annotations

import json
import subprocess
from typing import TYPE_CHECKING

import pytest

from deployer.remote.ports import LISTEN_SECONDS
from tests.waiting import wait_until

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.e2e.standing import Standing

PASSWORD = "correct horse"
USER = f"""set -e
useradd --create-home --shell /bin/bash typist
echo 'typist:{PASSWORD}' | chpasswd
echo 'typist ALL=(ALL) ALL' > /etc/sudoers.d/typist
install -d -o typist -m 700 /home/typist/.ssh
install -o typist -m 600 /root/.ssh/authorized_keys /home/typist/.ssh/authorized_keys
"""


@pytest.fixture
def typist(cluster: Standing) -> Iterator[Standing]:
    """slave2 is reached as somebody who is not in the group `docker`, and whose sudo wants a password."""
    cluster.on("slave2", "sh", "-c", USER)
    cluster.edit("cluster/nodes/slave2.yaml", "ssh: {user: admin}", "ssh: {user: typist, sudo: password}")
    try:
        yield cluster
    finally:
        cluster.git("checkout", "--quiet", "--", "cluster")
        for name in ("DEPLOYER_SUDO_PASSWORD_FILE", "DEPLOYER_SUDO_PASSWORD_COMMAND"):
            cluster.env.pop(name, None)
        cluster.on(
            "slave2", "sh", "-c", "userdel --force --remove typist 2>/dev/null; rm -f /etc/sudoers.d/typist; true"
        )


@pytest.mark.parametrize("client", ["asyncssh", "openssh"])
def test_sudo_gets_its_password_and_the_machine_is_as_git_says(typist: Standing, tmp_path: Path, client: str) -> None:
    """Its daemon.json is read, its engine asked and a file written there, all of it by sudo."""
    path = tmp_path / "password"
    path.write_text(f"{PASSWORD}\n", "utf-8")
    path.chmod(0o600)
    typist.env["DEPLOYER_SUDO_PASSWORD_FILE"] = str(path)
    typist.edit("cluster/nodes/slave2.yaml", "sudo: password", f"sudo: password, client: {client}")
    planned = typist.deployer("plan", "--worktree")
    assert planned.returncode == 0, planned.stdout + planned.stderr
    with (typist.repo / "cluster/nodes/slave2.yaml").open("a") as file:
        file.write(f"engine: {{daemon: {{debug: {json.dumps(client == 'asyncssh')}}}}}\n")
    applied = typist.deployer("machine", "provision", "--worktree", "slave2")
    assert applied.returncode == 0, applied.stdout + applied.stderr
    written = typist.on("slave2", "cat", "/etc/docker/daemon.json")
    assert json.loads(written)["debug"] is (client == "asyncssh")
    assert PASSWORD not in written
    assert PASSWORD not in applied.stdout + applied.stderr


def test_a_wrong_password_is_tried_once_and_no_password_is_said(typist: Standing) -> None:
    missing = typist.deployer("plan", "--worktree")
    assert "sudo on slave2 wants a password, and there is none to give" in missing.stdout, missing.stderr
    typist.env["DEPLOYER_SUDO_PASSWORD_COMMAND"] = "echo wrong-{machine}"
    refused = typist.deployer("plan", "--worktree")
    assert "sudo on slave2 does not take the password: sudo: 1 incorrect password attempt" in refused.stdout
    assert "wrong-slave2" not in refused.stdout + refused.stderr
    log = typist.on("slave2", "sh", "-c", "journalctl --no-pager _COMM=sudo | grep 'incorrect password' || true")
    assert log.count("1 incorrect password attempt ;") == 1, log


def test_ports_that_a_firewall_shuts_are_named_and_nobody_joins(cluster: Standing) -> None:
    """The machine that is to become a member is the one that only runs Consul; all others joined without a word."""
    consul, master = cluster.address("consul"), cluster.address("master")
    shut = ("iptables", "-A", "INPUT", "-p")
    cluster.edit("cluster/nodes/consul.yaml", "swarm: none", "swarm: worker")
    try:
        cluster.on("consul", *shut, "udp", "--dport", "4789", "-j", "DROP")
        cluster.on("master", *shut, "tcp", "--dport", "2377", "-s", consul, "-j", "REJECT")
        ran = cluster.deployer("machine", "provision", "--worktree", "consul")
        assert ran.returncode == 1, ran.stdout + ran.stderr
        assert f"consul cannot reach master at {master} port 2377/tcp" in ran.stdout
        assert f"master cannot reach consul at {consul} port 4789/udp: it was not joined" in ran.stdout
        assert cluster.on("consul", "docker", "info", "--format", "{{.Swarm.LocalNodeState}}").strip() == "inactive"
        checked = cluster.deployer("machine", "check", "--worktree", "consul")
        assert checked.returncode == 1
        assert f"slave cannot reach consul at {consul} port 4789/udp" in checked.stdout
    finally:
        for machine in ("master", "consul"):
            cluster.on(machine, "iptables", "-D", "INPUT", "1")
        cluster.git("checkout", "--quiet", "--", "cluster")
        cluster.must("apply")  # a member's Consul is told of the swarm
    opened = cluster.deployer("machine", "check")
    assert opened.returncode == 0, opened.stdout
    assert "cannot reach" not in opened.stdout


def test_a_check_that_is_killed_leaves_nobody_at_the_ports_of_overlay_networks(cluster: Standing) -> None:
    """Who listened stayed for half a minute, and failed the tasks of the next apply: "failed to set link up: address already in use"."""

    def listens() -> bool:
        return "perl" in cluster.on("consul", "ss", "-lunp", "sport = 4789")

    cluster.edit("cluster/nodes/consul.yaml", "swarm: none", "swarm: worker")
    # A port that does not answer: the check takes its time.
    cluster.on("consul", "iptables", "-A", "INPUT", "-p", "udp", "--dport", "4789", "-j", "DROP")
    checking = subprocess.Popen(
        [*cluster.argv, "machine", "check", "--worktree", "consul"],
        cwd=cluster.repo, env=cluster.env, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
    )  # fmt: skip
    try:
        wait_until(listens)
        checking.kill()
        wait_until(lambda: not listens(), seconds=LISTEN_SECONDS - 5)  # sooner than it would have ended by itself
    finally:
        checking.kill()
        checking.wait()
        cluster.on("consul", "iptables", "-D", "INPUT", "1")
        cluster.git("checkout", "--quiet", "--", "cluster")


def test_an_interface_with_small_packets_is_warned_of(cluster: Standing) -> None:
    """As over a VPN: what the stacks' overlay networks take for granted is more than slave can send."""
    assert "carries packets" not in cluster.deployer("plan").stdout
    cluster.on("slave", "ip", "link", "set", "eth0", "mtu", "1400")
    try:
        planned = cluster.deployer("plan")
    finally:
        cluster.on("slave", "ip", "link", "set", "eth0", "mtu", "1500")
    assert planned.returncode == 0, "it is a warning"
    assert "eth0 of slave carries packets of 1400 bytes, and an overlay network's have up to 1500" in planned.stdout
    assert 'driver_opts: {com.docker.network.driver.mtu: "1400"}' in planned.stdout
