"""`mode: compose`: a project on a machine that is in no swarm, over SSH."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tests.e2e.standing import Standing

STACK = """\
x-deployer: {mode: compose, node: consul, wait: 60s}
services:
  cache:
    image: redis:7
    restart: always
    configs: [{source: notes, target: /etc/notes}]
    secrets: [password]
    healthcheck: {test: ["CMD", "redis-cli", "ping"], interval: 1s}
    deploy: {replicas: 2}
configs: {notes: {file: ./notes.txt}}
secrets: {password: {file: ./password.txt}}
"""


def test_a_project_comes_changes_is_mended_and_goes(cluster: Standing) -> None:
    before = cluster.git("rev-parse", "HEAD")
    folder = cluster.repo / "stacks/solo"
    folder.mkdir()
    (folder / "compose.yaml").write_text(STACK)
    (folder / "notes.txt").write_text("first\n")
    (folder / "password.txt").write_text("correct-horse")

    def names() -> set[str]:
        argv = ("docker", "ps", "--filter", "label=com.docker.compose.project=solo", "--format", "{{.Names}}")
        return set(cluster.on("consul", *argv).split())

    def applied() -> str:
        done = cluster.deployer("apply")
        assert done.returncode == 0, done.stdout + done.stderr
        assert "correct-horse" not in done.stdout + done.stderr
        return done.stderr

    try:
        cluster.commit("A project of its own")
        assert "docker compose up on consul: cache 2" in applied()
        assert names() == {"solo-cache-1", "solo-cache-2"}
        assert (
            cluster.on("consul", "docker", "exec", "solo-cache-1", "cat", "/etc/notes", "/run/secrets/password")
            == "first\ncorrect-horse"
        )
        assert cluster.deployer("plan", "--detailed-exitcode").returncode == 0

        cluster.on("consul", "docker", "rm", "--force", "solo-cache-2")
        assert "cache.containers: 1 -> 2" in cluster.deployer("plan").stdout
        (folder / "notes.txt").write_text("second\n")
        cluster.commit("Another note")
        applied()
        assert names() == {"solo-cache-1", "solo-cache-2"}
        assert cluster.on("consul", "docker", "exec", "solo-cache-2", "cat", "/etc/notes") == "second\n"
        told = next(stack for stack in cluster.json("status")["stacks"] if stack["name"] == "solo")
        assert (told["sync"], told["health"]) == ("Synced", "Healthy")
    finally:
        cluster.git("reset", "--quiet", "--hard", before)
        gone = cluster.deployer("apply", "--replaces", cluster.git("rev-parse", "refs/deployer/sandbox/deployed"))
        assert gone.returncode == 0, gone.stdout + gone.stderr
    assert names() == set()
