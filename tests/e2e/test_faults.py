"""Machines that are down or hang, applies that are killed, services that cannot run."""

from __future__ import annotations

import random
import signal
import subprocess
import time
from typing import TYPE_CHECKING, Final

import pytest

from tests.soak.rounds import limit, seeds
from tests.waiting import wait_until

if TYPE_CHECKING:
    from tests.e2e.cluster import Cluster

KILLS: Final = 3
"""How often an apply is killed in a round; `make soak` plays many, each with its own seed."""


@pytest.mark.parametrize(("stop", "start"), [("stop", "start"), ("pause", "unpause")])
def test_a_machine_that_is_down_or_hangs_holds_nothing_else_up(cluster: Cluster, stop: str, start: str) -> None:
    cluster.edit("stacks/swarmtest/compose.yaml", "replicas: 3", "replicas: 4")
    cluster.commit("Four while one machine is away")
    try:
        with cluster.away("slave2", stop, start):
            applied = cluster.deployer("apply")
            assert applied.returncode == 1, applied.stdout + applied.stderr
            assert "slave2" in applied.stdout + applied.stderr
            assert "Traceback" not in applied.stderr
            assert cluster.replicas()["swarmtest_web"].endswith("/4"), "what could be done was not done"
    finally:
        cluster.git("revert", "--no-edit", "HEAD")
    wait_until(lambda: cluster.deployer("apply").returncode == 0, seconds=270)
    assert cluster.replicas()["swarmtest_web"] == "3/3"


def test_an_image_that_does_not_exist_is_said_within_seconds(cluster: Cluster) -> None:
    cluster.edit("stacks/proxy/compose.yaml", "nginx:1.27", "deployer/nosuch:1")
    cluster.commit("An image that nobody has")
    applied = cluster.deployer("apply")
    cluster.git("revert", "--no-edit", "HEAD")
    assert applied.returncode == 1
    assert "deployer/nosuch:1" in applied.stdout + applied.stderr
    assert cluster.replicas()["proxy_nginx"] == "1/1"  # found before anything was written
    assert cluster.deployer("apply").returncode == 0
    assert cluster.replicas()["proxy_nginx"] == "1/1"


@pytest.mark.timeout(limit(600))
def test_an_apply_that_is_killed_is_finished_by_the_next(cluster: Cluster) -> None:
    """Issue 2: random moments, seeded, from nothing but engines to the whole cluster."""
    for seed in seeds(2):
        dice = random.Random(seed)
        for _ in range(KILLS):
            kill_an_apply(cluster, dice.uniform(0.3, 15), seed)


def kill_an_apply(cluster: Cluster, moment: float, seed: int) -> None:
    """Seconds after its start; the next apply makes the cluster that git says."""
    cluster.nothing_runs()
    running = subprocess.Popen(
        [*cluster.argv, "apply"],
        cwd=cluster.repo,
        env=cluster.env,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    with_time = time.monotonic() + moment
    while running.poll() is None and time.monotonic() < with_time:
        time.sleep(0.05)
    running.kill()
    running.wait()
    applied = cluster.deployer("apply")
    assert applied.returncode == 0, f"seed {seed}, killed after {moment:.1f} s:\n{applied.stdout}{applied.stderr}"
    assert cluster.replicas() == {"swarmtest_web": "3/3", "swarmtest_redis": "1/1", "proxy_nginx": "1/1"}
    assert len(cluster.listed("node", "ls")) == 3
    assert cluster.deployer("plan", "--detailed-exitcode").returncode == 0


def test_an_interrupt_ends_in_order(cluster: Cluster) -> None:
    cluster.nothing_runs()
    running = subprocess.Popen(
        [*cluster.argv, "apply", "--progress", "plain"],
        cwd=cluster.repo, env=cluster.env, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
    )  # fmt: skip
    assert running.stderr
    for line in running.stderr:
        if "start the swarm" in line and "#" not in line.split()[1]:
            break
    running.send_signal(signal.SIGINT)
    out, err = running.communicate(timeout=120)
    assert running.returncode == 130, out + err
    assert "Traceback" not in err
    assert cluster.deployer("apply").returncode == 0
