"""The same pushes over every way that git knows to a repository, with the hooks as they are installed; the cluster is made up."""

from __future__ import annotations

import os
import signal
import subprocess
import threading
from typing import TYPE_CHECKING

import pytest

from deployer.memory import history
from tests.e2e.transports import Way, over_files, over_http, over_ssh
from tests.hooks.conftest import Clone, Server, clone_of, make_server, own_git
from tests.source.conftest import GOOD

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@pytest.fixture(autouse=True)
def _own_git(monkeypatch: pytest.MonkeyPatch, tmp_path_factory: pytest.TempPathFactory) -> None:
    own_git(monkeypatch, tmp_path_factory)


@pytest.fixture
def server(tmp_path: Path) -> Server:
    return make_server(tmp_path / "root/server.git")


@pytest.fixture(params=["file", "ssh", "http"])
def way(request: pytest.FixtureRequest, server: Server, tmp_path: Path) -> Iterator[Way]:
    root = server.path.parent
    if request.param == "file":
        yield over_files(root)
        return
    (tmp_path / "keys").mkdir()
    with over_http(root) if request.param == "http" else over_ssh(root, tmp_path / "keys") as found:
        yield found


@pytest.fixture
def clone(server: Server, way: Way, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Clone:
    for name, value in way.environment.items():
        monkeypatch.setenv(name, value)
    path = tmp_path / "clone"
    subprocess.run(["git", "clone", "-q", f"{way.url}/server.git", str(path)], check=True, capture_output=True)
    clone = Clone(path, server)
    clone.git("checkout", "-q", "-B", "main")
    clone.commit(GOOD)
    return clone


def test_pushes_are_refused_deployed_and_gated_alike(clone: Clone, server: Server, way: Way) -> None:
    commit = clone.git("rev-parse", "HEAD")
    first = clone.push("-o", "reason=the first", "origin", "main")
    assert first.code == 0, first.said
    assert f"=====> Deployed {commit[:10]} in " in first
    assert server.head == server.deployed == commit
    entry = history.entries(server.path)[0]
    assert (entry.reason, entry.result) == ("the first", "done")
    assert entry.who.endswith(way.who)

    clone.commit({"stacks/web/compose.yaml": "services:\n  web:\n    imag: nginx\n"})
    typo = clone.push()
    assert typo.code == 1
    assert "stacks/web/compose.yaml:3:5: error: unknown key 'imag' in services.web" in typo.said
    assert server.head == commit

    server.gate()
    bad = clone.stack("nginx:bad")
    server.set("fail", bad)
    failed = clone.push()
    assert failed.code == 1
    assert f"(deploy failed: web_web: image not found, rolled back to {commit[:10]})" in failed, failed.said
    assert server.head == server.deployed == commit

    good = clone.stack("nginx:good")
    assert clone.push().code == 0
    assert server.head == server.deployed == good
    assert server.images == {"web_web": "nginx:good"}


def test_the_deploy_outlives_who_pushed(clone: Clone, server: Server) -> None:
    hold = server.hold()
    commit = clone.git("rev-parse", "HEAD")
    argv = ["git", "-C", str(clone.path), "push", "origin", "main"]
    with subprocess.Popen(argv, stderr=subprocess.DEVNULL, start_new_session=True) as process:
        server.until(lambda: f"begin {commit}" in server.applied)
        os.killpg(process.pid, signal.SIGKILL)
        process.wait(timeout=30)
    hold.unlink()
    server.until(lambda: server.deployed == commit)


def test_twenty_pushes_from_five_clones_at_once(tmp_path: Path) -> None:
    """Every one is answered, deploys follow one another, the last state is that of the last accepted commit, all are kept."""
    server = make_server(tmp_path / "server.git")
    first = clone_of(server, tmp_path / "first")
    first.commit(GOOD)
    assert first.push().code == 0
    clones = [clone_of(server, tmp_path / f"clone{number}") for number in range(5)]
    for clone in clones:
        clone.git("reset", "-q", "--hard", "origin/main")
    accepted: list[str] = []
    answers: list[str] = []

    def work(clone: Clone, number: int) -> None:
        for turn in range(4):
            clone.stack(f"nginx:{turn}", f"app{number}")
            for _ in range(40):
                commit = clone.git("rev-parse", "HEAD")
                done = clone.push()
                answers.append(done.said)
                if done.code == 0:
                    accepted.append(commit)
                    break
                clone.git("pull", "-q", "--rebase", "origin", "main")

    threads = [threading.Thread(target=work, args=(clone, number)) for number, clone in enumerate(clones)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(accepted) == 20
    told = ("=====> Deployed", "Superseded:", "is deployed: nothing was to be done", "[rejected]", "[remote rejected]")
    assert [said for said in answers if not any(words in said for words in told)] == []
    assert [line.split()[0] for line in server.applied] == ["begin", "end"] * (len(server.applied) // 2)
    assert server.deployed == server.head == server.applied[-1].split()[1]
    assert server.images == {"web_web": "nginx:latest"} | {f"app{number}_app{number}": "nginx:3" for number in range(5)}
    kept = {entry.commit: entry.result for entry in history.entries(server.path)}
    assert {commit: kept.get(commit) for commit in accepted if kept.get(commit) not in {"done", "superseded"}} == {}
    deployed = sum(line.startswith("end") for line in server.applied)
    print(f"20 accepted of {len(answers)} pushes, {deployed} deploys")
