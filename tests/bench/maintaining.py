"""Machines that are in order, restarted one after the other, or locked by a run that is dead."""

from __future__ import annotations

import contextlib
import re
import signal
import subprocess
import threading
import time
from typing import TYPE_CHECKING, Final

from tests.bench.cases import Sides, case
from tests.bench.deploying import stacks_of_its_own
from tests.bench.figures import WALL, Measure
from tests.bench.surroundings import CLUSTER, deployer, write
from tests.bench.timing import clock, spend
from tests.e2e.standing import CommandError
from tests.e2e.test_maintenance import Load
from tests.waiting import wait_until

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from tests.bench.cases import Place
    from tests.bench.figures import Sample
    from tests.e2e.cluster import Cluster

MANAGERS: Final = ("master", "slave", "slave2")
ANSWERED: Final = Measure("requests answered", "")
RETRIED: Final = Measure("at a second instance", "")
FAILED: Final = Measure("requests failed", "")
TAKEN: Final = Measure("taken by somebody else", "s")
AT_HOME: Final = Measure("by its own repository", "s")
RESUMED: Final = Measure("end of one that is resumed", "s")


@case(
    "machine ssh MACHINE true",
    peer="ssh HOST true",
    claim="docs: some 30 ms more than ssh; issue 6: under 60 ms more",
    needs=(CLUSTER,),
    rounds=10,
)
def _enter(place: Place) -> Iterator[Sides]:
    cluster = place.get(CLUSTER)
    plain = cluster.ssh(f"root@{cluster.address('master')}", "true")
    yield Sides(
        lambda: deployer(cluster, "machine", "ssh", "master", "true"),
        lambda: spend(plain, cwd=cluster.repo, env=cluster.env),
    )


@case(
    "machine provision of two machines that are in order",
    peer="`docker info` on both by ssh, at once",
    claim="issue 6: under 1 s; closing note: 0.65 to 0.77 s",
    needs=(CLUSTER,),
)
def _in_order(place: Place) -> Iterator[Sides]:
    cluster = place.get(CLUSTER)
    asks = [
        cluster.ssh(f"root@{cluster.address('slave')}", "docker", "info"),
        cluster.ssh(f"admin@{cluster.address('slave2')}", "sudo", "docker", "info"),
    ]

    def peer() -> None:
        started = [subprocess.Popen(argv, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL) for argv in asks]
        codes = [one.wait(60) for one in started]
        assert codes == [0, 0], codes

    yield Sides(lambda: deployer(cluster, "machine", "provision", "slave", "slave2"), lambda: clock(peer))


@case(
    "a plan while one of four machines is frozen (connect_timeout: 5)",
    peer="ssh -o ConnectTimeout=5 to that machine",
    claim="docs: a machine that does not answer costs connect_timeout once",
    needs=(CLUSTER,),
    rounds=3,
    warm_up=False,
)
def _frozen(place: Place) -> Iterator[Sides]:
    cluster = place.get(CLUSTER)
    plain = cluster.ssh("-o", "ConnectTimeout=5", f"root@{cluster.address('slave')}", "true")
    cluster.host("pause", cluster.container("slave"))
    try:
        yield Sides(
            lambda: deployer(cluster, "plan", codes=(0, 1, 6)),
            lambda: spend(plain, cwd=cluster.repo, env=cluster.env, codes=(255,)),
        )
    finally:
        cluster.host("unpause", cluster.container("slave"))
        wait_until(lambda: full(cluster), "every service to be complete", seconds=300)


# --- a rolling restart ------------------------------------------------------------------------------------------------


def full(cluster: Cluster) -> bool:
    """Whether every member is ready and every service has all of its tasks; False while the swarm does not answer."""
    try:
        members = [(one["Status"], one["Availability"]) for one in cluster.listed("node", "ls")]
        counts = [count.split("/") for count in cluster.replicas().values()]
    except (CommandError, subprocess.TimeoutExpired, ValueError):
        return False
    return members == [("Ready", "Active")] * len(MANAGERS) and all(running == wanted for running, wanted in counts)


def under_load(cluster: Cluster, restart: Callable[[], object]) -> Sample:
    wait_until(lambda: full(cluster), "every service to be complete", seconds=300)
    with Load(cluster.address("consul")) as load:
        took = clock(restart)[WALL]
    return {WALL: took, ANSWERED: load.answered, RETRIED: load.retried, FAILED: len(load.failed)}


@case(
    "four machines restarted one after the other, under load",
    peer="the same without draining: each restarted when all services are complete again",
    claim="closing note: 75 s, 1369 answered, 12 at a second machine, 0 failed",
    needs=(CLUSTER,),
    rounds=1,
    warm_up=False,
)
def _rolling(place: Place) -> Iterator[Sides]:
    cluster = place.get(CLUSTER)
    before = cluster.git("rev-parse", "HEAD")

    def ours() -> Sample:
        argv = ("machine", "restart", "--rolling", "--force", *MANAGERS, "consul")
        return under_load(cluster, lambda: cluster.must(*argv))

    def by_hand() -> None:
        for machine in (*MANAGERS, "consul"):
            cluster.host("restart", cluster.container(machine))
            wait_until(lambda: full(cluster), f"the swarm to be complete after {machine}", seconds=300)

    cluster.must("machine", "promote", "slave", "slave2")
    try:
        yield Sides(ours, lambda: under_load(cluster, by_hand))
    finally:
        cluster.git("revert", "--no-edit", f"{before}..HEAD")
        wait_until(lambda: full(cluster), "every service to be complete", seconds=300)
        cluster.must("apply")


# --- the lock ---------------------------------------------------------------------------------------------------------

SLOW: Final = "services: {x: {image: 'redis:7', healthcheck: {test: [CMD, 'false'], interval: 60s}}}\n"
TAKEN_OVER: Final = "left the lock behind: taken over"


class Applying:
    """`deployer apply` of a stack that never becomes healthy, and what it has said so far."""

    def __init__(self, cluster: Cluster, repo: Path) -> None:
        argv = [*cluster.argv, "apply", "--progress", "plain", "--only", "slow", "--lock-wait", "3m"]
        self.process = subprocess.Popen(
            argv, cwd=repo, env=cluster.env, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True
        )
        self.said: list[str] = []
        assert self.process.stderr
        self._reader = threading.Thread(target=self.said.extend, args=(self.process.stderr,))
        self._reader.start()

    def until(self, pattern: str, what: str) -> None:
        wait_until(lambda: re.search(pattern, "".join(self.said)), what, seconds=180, saw=lambda: "".join(self.said))

    def end(self, number: int) -> float:
        """Seconds until it has ended after a signal."""
        began = time.monotonic()
        self.process.send_signal(number)
        self.process.wait(180)
        took = time.monotonic() - began
        self._reader.join()
        if self.process.stderr:
            self.process.stderr.close()
        return took


@contextlib.contextmanager
def applying(cluster: Cluster, repo: Path) -> Iterator[Applying]:
    run = Applying(cluster, repo)
    try:
        yield run
    finally:
        if run.process.poll() is None:
            run.process.send_signal(signal.SIGCONT)
            run.end(signal.SIGKILL)


WAITS: Final = r"slow +\| wait up to .*\.\.\."


def taken_over(cluster: Cluster, other: Path) -> Sample:
    """A holder that is stopped loses its lock to another repository; one that is killed, at once to its own."""
    with applying(cluster, cluster.repo) as first:
        first.until(WAITS, "the first to hold the lock")
        first.process.send_signal(signal.SIGSTOP)
        began = time.monotonic()
        with applying(cluster, other) as second:
            second.until(TAKEN_OVER, "somebody else to take the lock over")
            taken = time.monotonic() - began
            second.end(signal.SIGINT)
        resumed = first.end(signal.SIGCONT)
    with applying(cluster, cluster.repo) as killed:
        killed.until(WAITS, "the third to hold the lock")
        killed.end(signal.SIGKILL)
        began = time.monotonic()
        with applying(cluster, cluster.repo) as again:
            again.until(TAKEN_OVER, "the same repository to take the lock over")
            at_home = time.monotonic() - began
            again.end(signal.SIGINT)
    return {TAKEN: taken, AT_HOME: at_home, RESUMED: resumed}


def by_consul_lock(cluster: Cluster) -> Sample:
    """Consul's own program holds a lock and is killed; another one waits for it."""
    inside = ("docker", "exec", "deployer-consul", "sh", "-c")
    held = "rm -f /tmp/held; echo $$ > /tmp/holder; exec consul lock bench/peer 'touch /tmp/held; sleep 900'"
    cluster.on("consul", "docker", "exec", "--detach", "deployer-consul", "sh", "-c", held)
    wait_until(lambda: "held" in cluster.on("consul", *inside, "ls /tmp"), "consul lock to hold")
    cluster.on("consul", *inside, "kill -9 $(cat /tmp/holder)")
    took = clock(lambda: cluster.on("consul", *inside, "consul lock bench/peer true"))[WALL]
    return {TAKEN: took}


@case(
    "the lock of a run that is dead",
    peer="`consul lock`, killed, and another one that waits",
    claim="docs: free within 35 s, by the same repository at once",
    needs=(CLUSTER,),
    rounds=2,
    warm_up=False,
)
def _dead(place: Place) -> Iterator[Sides]:
    cluster = place.get(CLUSTER)
    other = place.new_folder("other") / "clone"
    with stacks_of_its_own(cluster, "slow"):
        write(cluster.repo, {"stacks/slow/compose.yaml": SLOW})
        cluster.commit("It never becomes healthy")
        cluster.git("clone", "--quiet", str(cluster.repo), str(other))
        yield Sides(lambda: taken_over(cluster, other), lambda: by_consul_lock(cluster))
