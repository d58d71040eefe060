"""`deployer watch` on the real cluster: a commit is followed, and what somebody changes by hand is set back."""

from __future__ import annotations

import signal
import socket
import subprocess
import urllib.request
from typing import TYPE_CHECKING

from tests.waiting import wait_until

if TYPE_CHECKING:
    from pathlib import Path

    from tests.e2e.standing import Standing


def test_commits_are_followed_and_drift_is_set_back(cluster: Standing, tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    cluster.git("config", "--add", "deployer.allow", str(cluster.identity_file))
    argv = [*cluster.argv, "watch", "--every", "2s", "--health", f"127.0.0.1:{port}", "--progress", "plain"]
    log = tmp_path / "log"

    def health() -> int:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/health", timeout=5) as answer:
            return int(answer.status)

    with (
        log.open("w") as told,
        subprocess.Popen(argv, cwd=cluster.repo, env=cluster.env, stdout=told, stderr=told) as process,
    ):
        try:
            wait_until(lambda: "nothing was to be done" in log.read_text(), saw=log.read_text)
            cluster.on("master", "docker", "service", "scale", "--detach", "swarmtest_web=1")
            wait_until(lambda: cluster.replicas()["swarmtest_web"] == "3/3", seconds=180, saw=log.read_text)
            wait_until(lambda: "had drifted" in log.read_text(), seconds=180, saw=log.read_text)
            cluster.edit("stacks/swarmtest/compose.yaml", "replicas: 3", "replicas: 2")
            commit = cluster.commit("Twice web")
            wait_until(lambda: f"{commit[:10]} is deployed" in log.read_text(), seconds=180, saw=log.read_text)
            assert cluster.replicas()["swarmtest_web"] == "2/2"
            assert health() == 200
            cluster.git("revert", "--no-edit", "HEAD")
            after = cluster.git("rev-parse", "HEAD")
            wait_until(lambda: f"{after[:10]} is deployed\n" in log.read_text(), seconds=180, saw=log.read_text)
        finally:
            process.send_signal(signal.SIGTERM)
            assert process.wait(60) == 0, log.read_text()
    assert cluster.replicas()["swarmtest_web"] == "3/3"
