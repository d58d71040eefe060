"""Encrypted files, files that are mounted, and ports that are taken, on the real cluster: one stack, which goes away again."""

from __future__ import annotations

import shutil
from typing import TYPE_CHECKING

import pytest

from tests.encrypted.conftest import Keys, make_keys

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.e2e.standing import Standing

CANARY = "canary-geheim"
COMPOSE = """\
services:
  db:
    image: redis:7
    env_file: db.env
    volumes: ["./site.conf:/etc/site.conf:ro"]
    secrets: [key]
    deploy: {placement: {constraints: [node.role==manager]}}
secrets:
  key: {file: key.age}
"""


@pytest.fixture
def keys(cluster: Standing, tmp_path: Path) -> Iterator[Keys]:
    """Whoever deploys to the cluster has a key; the stack is there while the test runs."""
    made = make_keys(tmp_path)
    cluster.env["SOPS_AGE_KEY_FILE"] = str(made.home / ".config/sops/age/keys.txt")
    folder = cluster.repo / "stacks/sealed"
    folder.mkdir()
    (folder / "compose.yaml").write_text(COMPOSE)
    (folder / "site.conf").write_text("a file of the repository\n")
    try:
        yield made
    finally:
        shutil.rmtree(folder)
        cluster.commit("No sealed stack")
        del cluster.env["SOPS_AGE_KEY_FILE"]
        there = [name for name in cluster.replicas() if name.startswith("sealed_")]
        applied = cluster.deployer("apply", *(["--allow-delete", "sealed"] if there else []))
        assert applied.returncode == 0, applied.stdout + applied.stderr


def encrypt(cluster: Standing, keys: Keys, value: str) -> None:
    folder = cluster.repo / "stacks/sealed"
    (folder / "db.env").write_bytes(keys.encrypt("db.env", f"PLACE={value}\n"))
    (folder / "key.age").write_bytes(keys.age(f"{CANARY}-key"))
    cluster.commit("Encrypted")


def test_what_is_encrypted_in_git_is_there_and_is_seen_nowhere_else(cluster: Standing, keys: Keys) -> None:
    encrypt(cluster, keys, f"{CANARY}-1")
    said = [cluster.deployer("apply")]
    assert said[0].returncode == 0, said[0].stdout + said[0].stderr
    task = cluster.on("master", "docker", "ps", "--quiet", "--filter", "label=com.docker.swarm.service.name=sealed_db")
    shell = "echo $PLACE; cat /run/secrets/key /etc/site.conf"
    inside = cluster.on("master", "docker", "exec", task.split()[0], "sh", "-c", shell)
    assert inside == f"{CANARY}-1\n{CANARY}-keya file of the repository\n"

    encrypt(cluster, keys, f"{CANARY}-1")  # the same text, other bytes
    same = cluster.deployer("plan", "--detailed-exitcode")
    assert same.returncode == 0, same.stdout

    encrypt(cluster, keys, f"{CANARY}-2")
    said += [cluster.deployer("plan"), cluster.deployer("plan", "--json"), cluster.deployer("history")]
    assert "Env.PLACE: [secret] -> [secret]" in said[1].stdout
    kept = cluster.git("log", "--all", "--format=", "--patch", "--", ":!stacks")  # those are bytes
    assert [text for one in said for text in (one.stdout, one.stderr) if CANARY in text] == []
    assert CANARY not in kept

    without = {**cluster.env, "SOPS_AGE_KEY_FILE": "/nonexistent"}
    cluster.env, had = without, cluster.env
    refused = cluster.deployer("plan")
    cluster.env = had
    assert refused.returncode == 3
    assert "stacks/sealed/key.age: error: is encrypted" in refused.stderr
    assert keys.recipient in refused.stderr


def test_a_port_that_a_process_holds_is_named_before_the_first_write(cluster: Standing, keys: Keys) -> None:
    encrypt(cluster, keys, "x")
    cluster.edit("stacks/sealed/compose.yaml", "    secrets: [key]\n", "    secrets: [key]\n    ports: ['22:6379']\n")
    cluster.commit("A port that sshd has")
    planned = cluster.deployer("plan")
    assert planned.returncode == 1, planned.stdout
    place = "stacks/sealed/compose.yaml:7:13"
    assert f"! {place}: service sealed_db: port 22/tcp of master is held by sshd (process " in planned.stdout
    cluster.edit("stacks/sealed/compose.yaml", "    ports: ['22:6379']\n", "")


def test_an_external_network_that_is_missing_is_named_with_its_line(cluster: Standing, keys: Keys) -> None:
    encrypt(cluster, keys, "x")
    with (cluster.repo / "stacks/sealed/compose.yaml").open("a") as file:
        file.write("networks:\n  default: {external: true, name: nosuch}\n")
    cluster.commit("A network that nobody made")
    planned = cluster.deployer("plan")
    assert planned.returncode == 1, planned.stdout
    assert (
        "! stacks/sealed/compose.yaml:11:3: stack sealed: its external network nosuch does not exist" in planned.stdout
    )
    before = cluster.versions()
    applied = cluster.deployer("apply")
    assert applied.returncode == 1, applied.stdout
    assert cluster.versions() == before
