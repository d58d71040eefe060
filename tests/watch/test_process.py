"""The program itself, following real repositories; only the cluster is made up (tests/hooks/fake_cluster.py)."""

from __future__ import annotations

import json
import os
import re
import shutil
import signal
import subprocess
import sys
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from deployer.watch.sources import Remote
from tests.hooks.conftest import PROGRAM, own_git
from tests.needs import COMPILER
from tests.processes import started
from tests.source.conftest import GOOD, Repo
from tests.waiting import GENEROUS, wait_until

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator


pytestmark = COMPILER


@pytest.fixture(autouse=True)
def _git(monkeypatch: pytest.MonkeyPatch, tmp_path_factory: pytest.TempPathFactory) -> None:
    own_git(monkeypatch, tmp_path_factory)


@pytest.fixture
def repo(tmp_path: Path) -> Repo:
    made = Repo(tmp_path / "repo")
    (tmp_path / "fake").mkdir()
    made.path.mkdir()
    made.git("init", "-q", "-b", "main")
    made.commit(GOOD)
    made.git("config", "deployer.allow", "local")
    return made


@contextmanager
def watching(repo: Repo, *arguments: str) -> Iterator[subprocess.Popen[str]]:
    argv = [sys.executable, "-I", str(PROGRAM), "watch", *arguments]
    log = (repo.path.parent / "log").open("w")
    with log, started(argv, cwd=repo.path.parent, stdout=log, stderr=log, text=True) as process:
        yield process


def image(repo: Repo) -> str:
    file = repo.path.parent / "fake/services.json"
    running = json.loads(file.read_text() or "{}") if file.exists() else {}
    return str(running.get("web_web", {}).get("TaskTemplate", {}).get("ContainerSpec", {}).get("Image", ""))


def until(repo: Repo, happened: Callable[[], bool]) -> None:
    """Wait until it is so; a failure shows what the program said."""
    wait_until(happened, saw=(repo.path.parent / "log").read_text)


STACK = "services:\n  web:\n    image: {}\n"


def test_a_branch_is_followed_and_sigterm_ends_it(repo: Repo) -> None:
    with watching(repo, "--repo", str(repo.path)) as process:
        until(repo, lambda: image(repo).startswith("nginx"))
        repo.commit({"stacks/web/compose.yaml": STACK.format("nginx:2")})
        until(repo, lambda: image(repo) == "nginx:2")
        repo.commit({"stacks/web/compose.yaml": STACK.format("nginx:3") + "    imgae: x\n"})
        log = repo.path.parent / "log"
        until(repo, lambda: "is not valid" in log.read_text())
        assert "stacks/web/compose.yaml:4:5: error: unknown key 'imgae'" in log.read_text()
        assert image(repo) == "nginx:2"
        process.send_signal(signal.SIGTERM)
        assert process.wait(GENEROUS) == 0


def test_a_signal_in_the_middle_lets_the_step_end(repo: Repo) -> None:
    (repo.path.parent / "fake/hold").write_text(str(os.getpid()))
    with watching(repo, "--repo", str(repo.path)) as process:
        applied = repo.path.parent / "fake/applied"
        until(repo, applied.exists)
        (repo.path.parent / "fake/hold").unlink()
        until(repo, lambda: "end" in applied.read_text())
        process.send_signal(signal.SIGINT)
        assert process.wait(GENEROUS) == 0


def test_saved_files_are_followed(repo: Repo) -> None:
    with watching(repo, "--worktree", "--repo", str(repo.path)):
        until(repo, lambda: image(repo).startswith("nginx"))
        repo.write({"stacks/web/compose.yaml": STACK.format("nginx:saved")})
        until(repo, lambda: image(repo) == "nginx:saved")


def test_what_is_followed_may_not_name_this_machine_unless_it_is_allowed_here(repo: Repo) -> None:
    repo.git("config", "--unset-all", "deployer.allow")
    log = repo.path.parent / "log"
    for arguments in (("--repo", str(repo.path)), ("--worktree", "--repo", str(repo.path))):
        with watching(repo, *arguments) as process:
            until(repo, lambda: "is not valid" in log.read_text())
            assert "cluster/nodes/m1.yaml:1:10: error: local is the machine that deploys" in log.read_text()
            assert f"git -C {repo.path} config --add deployer.allow local" in log.read_text()
            assert process.poll() is None
    assert image(repo) == ""


def test_a_remote_is_allowed_what_its_copy_here_says(repo: Repo) -> None:
    """And not what the remote's own configuration says, which is somebody else's."""
    with watching(repo, "--remote", str(repo.path), "--interval", "1s"):
        log = repo.path.parent / "log"
        until(repo, lambda: "is not valid" in log.read_text())
        command = re.search(r"git -C (\S+) config --add deployer\.allow local", log.read_text())
        assert command
    subprocess.run(command[0].split(), check=True)
    with watching(repo, "--remote", str(repo.path), "--interval", "1s"):
        until(repo, lambda: image(repo).startswith("nginx"))


def allow_local(repo: Repo) -> None:
    """What whoever runs the watcher would type, for the copy of the repository as a remote."""
    copy = Remote(str(repo.path), "main")
    copy.source(copy.look())
    subprocess.run(["git", "-C", str(copy.path), "config", "--add", "deployer.allow", "local"], check=True)


def test_a_remote_is_followed_and_its_absence_is_survived(repo: Repo) -> None:
    allow_local(repo)
    with watching(repo, "--remote", str(repo.path), "--interval", "1s"):
        until(repo, lambda: image(repo).startswith("nginx"))
        hidden = repo.path.with_name("hidden")
        shutil.move(repo.path, hidden)
        log = repo.path.parent / "log"
        until(repo, lambda: "cannot be asked" in log.read_text())
        shutil.move(hidden, repo.path)
        repo.commit({"stacks/web/compose.yaml": STACK.format("nginx:back")})
        until(repo, lambda: image(repo) == "nginx:back")


def test_it_takes_little_memory(repo: Repo) -> None:
    """How little it does while nothing happens: tests/watch/test_loop.py."""
    with watching(repo, "--repo", str(repo.path), "--every", "0") as process:
        until(repo, lambda: image(repo).startswith("nginx"))
        status = Path(f"/proc/{process.pid}/status").read_text(encoding="ascii")
        memory = int(next(line for line in status.splitlines() if line.startswith("VmRSS")).split()[1]) / 1024
        assert memory < 2 * 60
