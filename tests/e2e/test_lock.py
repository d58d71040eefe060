"""The lock on a real Consul: the suite of both kinds, and applies of two repositories on one cluster."""

from __future__ import annotations

import contextlib
import json
import os
import re
import signal
import subprocess
import threading
import uuid
from typing import TYPE_CHECKING, Any

import pytest

from deployer.consul.session import Sessions
from deployer.lock.session import Pace, session_lock
from deployer.lock.unlock import break_lock
from deployer.remote import TcpPort
from deployer.remote.local import LocalConnection
from tests.e2e.leftovers import LABEL
from tests.lock.conformance import Conformance, Kind
from tests.waiting import wait_until

if TYPE_CHECKING:
    from collections.abc import Iterator
    from contextlib import AbstractAsyncContextManager
    from pathlib import Path

    from deployer.lock.hold import Held, Patience
    from deployer.lock.holder import Holder
    from deployer.remote import Place, Stream
    from tests.e2e.standing import Standing

KEY = "deployer/test/lock"
SHORT = Pace(ttl=1, renew=0.25, lock_delay=0.5, grace=1)
WAITING = re.compile(r"^swarmtest +\| wait up to 180 s .*\.\.\.$", re.MULTILINE)


def docker(*argv: str) -> str:
    return subprocess.run(["docker", *argv], capture_output=True, text=True, check=True, timeout=120).stdout.strip()


# --- a Consul alone ---------------------------------------------------------------------------------------------------


class Direct(LocalConnection):
    """Whatever port is asked for is Consul's, in that container."""

    def __init__(self, address: str) -> None:
        super().__init__()
        self._address = address

    async def open(self, place: Place) -> Stream:
        assert isinstance(place, TcpPort)
        return await super().open(TcpPort(self._address, place.port))


class InConsul:
    def __init__(self, address: str) -> None:
        self._address = address
        self._opened: list[tuple[Direct, Sessions]] = []

    def client(self) -> Sessions:
        connection = Direct(self._address)
        self._opened.append((connection, Sessions(connection)))
        return self._opened[-1][1]

    def hold(self, me: Holder, waiting: Patience) -> AbstractAsyncContextManager[Held]:
        return session_lock(self.client(), "test", me, waiting, pace=SHORT)

    async def die_with(self, me: Holder) -> None:
        client = self.client()
        session = await client.create("dead", ttl=SHORT.ttl, lock_delay=SHORT.lock_delay)
        assert await client.acquire(KEY, me.under(session).encoded(), session)

    async def unlock(self, lock: str) -> object:
        return await break_lock(self.client(), "test", lock, "why not")

    async def close(self) -> None:
        for connection, client in self._opened:
            client.close()
            await connection.close()


@pytest.fixture(scope="module")
def address(request: pytest.FixtureRequest) -> Iterator[str]:
    """A Consul on a bridge of its own, which takes sessions of a second. The cluster's machines have built its image."""
    request.getfixturevalue("cluster")
    listed = docker("images", "--quiet", "deployer-sandbox/consul").split()
    name = f"deployer-lock-{uuid.uuid4().hex[:8]}"
    label = ("--label", f"{LABEL}={os.getpid()}")
    docker("network", "create", *label, name)
    try:
        docker("run", "--detach", "--name", name, *label, "--network", name, listed[0], "agent", "-dev", "-client", "0.0.0.0",
               "-hcl", 'session_ttl_min="1s"')  # fmt: skip
        address = docker("inspect", "--format", "{{range .NetworkSettings.Networks}}{{.IPAddress}}{{end}}", name)
        leads = ["exec", name, "curl", "--silent", "http://127.0.0.1:8500/v1/status/leader"]

        def ready() -> bool:
            with contextlib.suppress(subprocess.CalledProcessError):
                return ":8300" in docker(*leads)
            return False

        wait_until(ready)
        yield address
    finally:
        subprocess.run(["docker", "rm", "--force", "--volumes", name], check=False, capture_output=True)
        docker("network", "rm", name)


class TestConsul(Conformance):
    @pytest.fixture
    def kind(self, address: str) -> Kind:
        return InConsul(address)


# --- two repositories, one cluster ------------------------------------------------------------------------------------


class Applying:
    """`deployer apply`, and what it has said so far."""

    def __init__(self, standing: Standing, repo: Path, *flags: str) -> None:
        self._process = subprocess.Popen(
            [*standing.argv, "apply", "--progress", "plain", *flags],
            cwd=repo, env=standing.env, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
        )  # fmt: skip
        self._out: list[str] = []
        self._err: list[str] = []
        self._readers = [
            threading.Thread(target=target.extend, args=(stream,))
            for target, stream in ((self._out, self._process.stdout), (self._err, self._process.stderr))
        ]
        for reader in self._readers:
            reader.start()

    @property
    def said(self) -> str:
        return "".join([*self._err, *self._out])

    @property
    def pid(self) -> int:
        return self._process.pid

    @property
    def running(self) -> bool:
        return self._process.poll() is None

    def until(self, pattern: str | re.Pattern[str]) -> None:
        """Wait until it has said so; it fails at once where the run ended without."""
        wait_until(
            lambda: bool(re.search(pattern, self.said)) or not self.running,
            f"{pattern!r} in what the run says",
            seconds=180,
            saw=lambda: self.said,
        )
        assert re.search(pattern, self.said), self.said

    def send(self, number: int) -> None:
        self._process.send_signal(number)

    def end(self, seconds: float = 300) -> int:
        code = self._process.wait(seconds)
        for reader in self._readers:
            reader.join()
        for stream in (self._process.stdout, self._process.stderr):
            assert stream
            stream.close()
        return code

    def stop_for_good(self) -> None:
        if self.running:
            self.send(signal.SIGCONT)
            self.send(signal.SIGKILL)
        self.end()


@pytest.fixture
def other(cluster: Standing, tmp_path: Path) -> Path:
    """Somebody else's clone: another lock file, and what is known of earlier runs."""
    clone = tmp_path / "clone"
    cluster.git("clone", "--quiet", str(cluster.repo), str(clone))
    cluster.git("-C", str(clone), "fetch", "--quiet", "origin", "refs/deployer/*:refs/deployer/*")
    return clone


@contextlib.contextmanager
def applying(standing: Standing, repo: Path, *flags: str) -> Iterator[Applying]:
    run = Applying(standing, repo, *flags)
    try:
        yield run
    finally:
        run.stop_for_good()


def change(repo: Path, word: str, *, slow: bool) -> None:
    """Both stacks: web's tasks are replaced one by one, which takes a while, and after it the proxy's.

    A slow one takes two minutes, whatever the machine: Swarm pauses between the tasks.
    """
    for path, old, new in (
        (
            "stacks/swarmtest/compose.yaml",
            "      REDIS_HOST: redis\n",
            f"      REDIS_HOST: redis\n      WORD: {word}\n",
        ),
        (
            "stacks/proxy/compose.yaml",
            "    image: nginx:1.27\n",
            f"    image: nginx:1.27\n    environment: {{WORD: {word}}}\n",
        ),
    ):
        file = repo / path
        text = re.sub(r"      WORD: .*\n|    environment: \{WORD: .*\n|        delay: .*\n", "", file.read_text())
        if slow:
            text = text.replace("        parallelism: 1\n", "        parallelism: 1\n        delay: 60s\n")
        assert text.count(old) == 1
        file.write_text(text.replace(old, new))


def words(cluster: Standing) -> dict[str, str]:
    """What git said when each service was written last."""
    told = json.loads(cluster.on("master", "docker", "service", "inspect", "swarmtest_web", "proxy_nginx"))
    return {
        service["Spec"]["Name"]: next(
            word.partition("=")[2]
            for word in service["Spec"]["TaskTemplate"]["ContainerSpec"]["Env"]
            if word.startswith("WORD=")
        )
        for service in told
    }


def deployer(cluster: Standing, repo: Path, *argv: str) -> subprocess.CompletedProcess[str]:
    return cluster.deployer(*argv, "--repo", str(repo), timeout=600)


def commit(cluster: Standing, repo: Path, word: str, *, slow: bool = False) -> str:
    change(repo, word, slow=slow)
    at = ["git", "-C", str(repo), "commit", "--quiet", "--all", "--message", word]
    subprocess.run(at, env=cluster.env, check=True, capture_output=True)
    head = subprocess.run(["git", "-C", str(repo), "rev-parse", "HEAD"], capture_output=True, text=True, check=True)
    return head.stdout.strip()


def key(cluster: Standing) -> dict[str, Any]:
    """The lock's key, as Consul tells it."""
    url = f"http://127.0.0.1:8500/v1/kv/deployer/{cluster_name(cluster)}/lock?consistent"
    told: list[dict[str, Any]] = json.loads(cluster.on("consul", "curl", "--silent", url))
    return told[0]


def cluster_name(cluster: Standing) -> str:
    found = re.search("^name: (.*)$", (cluster.repo / "cluster/cluster.yaml").read_text(), re.MULTILINE)
    assert found
    return found[1]


def test_a_holder_that_was_stopped_begins_nothing_after_another_took_over(cluster: Standing, other: Path) -> None:
    """SIGSTOP past the session's end, another run deploys, SIGCONT: what is live stays the other's."""
    commit(cluster, cluster.repo, "first")
    later = commit(cluster, other, "second")
    with applying(cluster, cluster.repo) as first:
        first.until(WAITING)
        first.send(signal.SIGSTOP)
        refused = deployer(cluster, other, "apply")
        assert refused.returncode == 4, refused.stdout + refused.stderr
        assert f"process {first.pid}," in refused.stderr
        assert "--lock-wait" in refused.stderr
        with applying(cluster, other, "--lock-wait", "3m") as second:
            second.until("waiting for ")
            second.until("left the lock behind: taken over")
            assert second.end() == 0, second.said
        assert set(words(cluster).values()) == {"second"}
        before = cluster.versions()
        first.send(signal.SIGCONT)
        assert first.end() == 4, first.said
        assert "Lock lost after" in first.said
        assert "The lock was lost: Consul ended its session" in first.said
    assert {service: words(cluster)[service] for service in ("swarmtest_web", "proxy_nginx")} == {
        "swarmtest_web": "second",
        "proxy_nginx": "second",
    }
    assert cluster.versions() == before, "it wrote something after it was resumed"
    assert deployer(cluster, other, "plan", "--detailed-exitcode").returncode == 0
    assert json.loads(deployer(cluster, other, "apply", "--json").stdout)["commit"] == later


def test_a_run_that_was_killed_blocks_its_own_repository_for_no_moment(cluster: Standing, other: Path) -> None:
    commit(cluster, cluster.repo, "third")
    with applying(cluster, cluster.repo) as first:
        first.until(WAITING)
        first.send(signal.SIGKILL)
        first.end()
        assert deployer(cluster, other, "apply").returncode == 4, "its session cannot have ended yet"
        with applying(cluster, cluster.repo) as again:
            again.until("left the lock behind: taken over")
            assert again.end() == 0, again.said
    assert set(words(cluster).values()) == {"third"}


def test_a_lock_that_is_taken_away_stops_its_holder_with_the_reason(cluster: Standing, other: Path) -> None:
    commit(cluster, cluster.repo, "fourth", slow=True)
    with applying(cluster, cluster.repo) as first:
        first.until(WAITING)
        asked = deployer(cluster, other, "unlock")
        assert asked.returncode == 2, asked.stdout + asked.stderr
        (id_,) = re.findall("deployer unlock ([0-9a-f-]{36}) --reason", asked.stderr)
        assert id_ == key(cluster)["Session"]
        at_home = cluster.deployer("unlock", id_, "--reason", "mine")
        assert at_home.returncode == 4
        assert f"kill -INT {first.pid}" in at_home.stderr
        wrong = deployer(cluster, other, "unlock", str(uuid.uuid4()), "--reason", "any")
        assert wrong.returncode == 5, wrong.stderr
        assert first.running
        taken = deployer(cluster, other, "unlock", id_, "--reason", "it hangs, says the test", "--json")
        assert taken.returncode == 0, taken.stderr
        assert json.loads(taken.stdout)["lock"]["pid"] == str(first.pid)
        assert first.end() == 4, first.said
        assert "broke it: it hangs, says the test" in first.said
    assert words(cluster)["proxy_nginx"] == "third", "it went on without its lock"
    free = deployer(cluster, other, "unlock", id_, "--reason", "again")
    assert (free.returncode, free.stdout) == (0, f"Cluster {cluster_name(cluster)} is not locked.\n")
    commit(cluster, cluster.repo, "fourth")
    cluster.must("apply")
    assert set(words(cluster).values()) == {"fourth"}


def test_an_apply_with_nothing_to_do_writes_nothing_to_consul(cluster: Standing) -> None:
    assert cluster.deployer("apply").returncode == 0
    before = key(cluster)
    assert "Session" not in before
    report = cluster.json("apply")
    assert (report["ok"], report["steps"], report["lock_index"]) == (True, [], None)
    assert key(cluster) == before


def test_an_interrupt_gives_the_lock_back(cluster: Standing) -> None:
    commit(cluster, cluster.repo, "fifth", slow=True)
    taken = key(cluster)["LockIndex"]
    with applying(cluster, cluster.repo) as run:
        run.until(WAITING)
        assert key(cluster)["Session"]
        run.send(signal.SIGINT)
        assert run.end() == 130, run.said
    assert "Session" not in key(cluster)
    assert key(cluster)["LockIndex"] == taken + 1
    commit(cluster, cluster.repo, "sixth")
    applied = cluster.json("apply")
    assert (applied["ok"], applied["lock_index"]) == (True, taken + 2)


def test_the_services_of_the_catalogue(cluster: Standing) -> None:
    shown = cluster.deployer("services", "consul")
    assert shown.returncode == 0, shown.stderr
    row = shown.stdout.splitlines()[1].split()
    assert row == ["consul", "1/1", f"{cluster.address('consul')}:8300", "consul", "passing", "-"]
    nothing = cluster.deployer("services", "nosuch")
    assert nothing.returncode == 1
    assert "no service 'nosuch'" in nothing.stderr
