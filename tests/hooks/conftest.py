"""Real repositories with real hooks, pushed to by a real git; only the cluster is made up."""

from __future__ import annotations

import json
import os
import shlex
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Literal

import pytest

from deployer.hooks.install import install, remote_init
from tests.processes import started
from tests.source.conftest import GOOD, Repo
from tests.waiting import GENEROUS, wait_until

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from contextlib import AbstractContextManager

PROGRAM = Path(__file__).with_name("fake_cluster.py")
PATIENCE = 3 * GENEROUS
"""Seconds for a push, or a command, and all that it waits for."""


@dataclass(frozen=True)
class Pushed:
    code: int
    said: str
    """Standard error of git, without `remote: ` and what pads a line."""

    def __contains__(self, words: str) -> bool:
        return words in " ".join(self.said.split())


def plain(text: str) -> str:
    lines = (line.removeprefix("remote: ").rstrip() for line in text.splitlines())
    return "\n".join(line.removeprefix(" !     ") if line.startswith(" !     ") else line for line in lines)


@dataclass
class Server:
    path: Path

    def git(self, *arguments: str) -> str:
        done = subprocess.run(["git", "-C", str(self.path), *arguments], capture_output=True, text=True, check=False)
        return done.stdout.strip()

    @property
    def head(self) -> str:
        return self.git("rev-parse", "--verify", "--quiet", "refs/heads/main")

    @property
    def deployed(self) -> str:
        return self.git("rev-parse", "--verify", "--quiet", "refs/deployer/test/deployed")

    @property
    def applied(self) -> list[str]:
        log = self.path / "fake/applied"
        return log.read_text().splitlines() if log.exists() else []

    @property
    def images(self) -> dict[str, str]:
        running = json.loads((self.path / "fake/services.json").read_text())
        return {name: body["TaskTemplate"]["ContainerSpec"]["Image"] for name, body in running.items()}

    def until(self, condition: Callable[[], object]) -> None:
        """Wait until it is so; a failure shows what was applied, and the end of each run's log."""
        wait_until(condition, saw=self.show)

    def show(self) -> str:
        logs = sorted((self.path / "deployer/runs").glob("*.log"))
        ends = [f"{log.name}: {log.read_text(errors='replace')[-1000:]}" for log in logs]
        return "\n".join([f"deployed {self.deployed}, main {self.head}", *self.applied, *ends])

    def hold(self) -> Path:
        """Deploys wait until the file that is returned is gone, or this process."""
        return self.set("hold", str(os.getpid()))

    def set(self, name: str, text: str = "") -> Path:
        file = self.path / "fake" / name
        file.write_text(text)
        return file

    def gate(self, when: Literal["apply", "none"] = "apply") -> None:
        for file in (self.path / "hooks").iterdir():  # as `install` wrote them
            file.write_text(file.read_text().replace(shlex.quote(str(PROGRAM)), "-m deployer"))
        install(self.path, lambda _line: None, server=True, gate=when)
        use_fake_cluster(self.path)


def processes(server: Server) -> list[int]:
    """Those of hooks of this repository: they stand in it, or were started by one that does."""
    found: dict[int, tuple[int, bool]] = {}
    for entry in Path("/proc").glob("[0-9]*"):
        try:
            parent = int((entry / "stat").read_text(errors="replace").rpartition(")")[2].split()[1])
            state = (entry / "stat").read_text(errors="replace").rpartition(")")[2].split()[0]
            here = (entry / "cwd").readlink() == server.path
        except OSError:
            continue
        if state != "Z":
            found[int(entry.name)] = (parent, here)

    def belongs(process: int) -> bool:
        parent, here = found.get(process, (0, False))
        return here or (parent in found and belongs(parent))

    return [process for process in found if belongs(process) and process != os.getpid()]


@dataclass
class Clone(Repo):
    server: Server

    def push(self, *arguments: str, **environment: str) -> Pushed:
        with self.pushing(*arguments, **environment) as process:
            _, err = process.communicate(timeout=PATIENCE)
        return Pushed(process.returncode, plain(err))

    def pushing(self, *arguments: str, **environment: str) -> AbstractContextManager[subprocess.Popen[str]]:
        argv = ["git", "-C", str(self.path), "push", *(arguments or ("origin", "main"))]
        return started(argv, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True, env=os.environ | environment)

    def stack(self, image: str, name: str = "web") -> str:
        return self.commit({f"stacks/{name}/compose.yaml": f"services:\n  {name}:\n    image: {image}\n"})


@pytest.fixture(autouse=True)
def _own_git(monkeypatch: pytest.MonkeyPatch, tmp_path_factory: pytest.TempPathFactory) -> None:
    own_git(monkeypatch, tmp_path_factory)


def own_git(monkeypatch: pytest.MonkeyPatch, tmp_path_factory: pytest.TempPathFactory) -> None:
    """Nobody's configuration, and a home of its own."""
    for name in [name for name in os.environ if name.startswith(("GIT_", "SSH_"))]:
        monkeypatch.delenv(name)
    home = tmp_path_factory.mktemp("home")
    monkeypatch.setenv("HOME", str(home))
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path_factory.getbasetemp() / "cache"))  # compiled once for all tests
    monkeypatch.setenv("XDG_STATE_HOME", str(home / "state"))
    monkeypatch.setenv("GIT_CONFIG_GLOBAL", "/dev/null")
    monkeypatch.setenv("GIT_CONFIG_NOSYSTEM", "1")
    for who in ("AUTHOR", "COMMITTER"):
        monkeypatch.setenv(f"GIT_{who}_NAME", "Tester")
        monkeypatch.setenv(f"GIT_{who}_EMAIL", "tester@example.org")


def make_server(path: Path) -> Server:
    """As `deployer remote init` makes it, but the hooks run the program with a cluster that is made up."""
    remote_init(path, "main", lambda _line: None, allow=("local",))
    (path / "fake").mkdir()
    use_fake_cluster(path)
    return Server(path)


def use_fake_cluster(path: Path) -> None:
    for file in (path / "hooks").iterdir():
        text = file.read_text()
        assert " -I -m deployer hook " in text
        file.write_text(text.replace("-I -m deployer", f"-I {shlex.quote(str(PROGRAM))}"))


def clone_of(server: Server, path: Path) -> Clone:
    subprocess.run(["git", "clone", "-q", str(server.path), str(path)], check=True, capture_output=True)
    clone = Clone(path, server)
    clone.git("checkout", "-q", "-B", "main")
    return clone


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Server]:
    """Nothing was pushed to it, unless a test has `live` as well."""
    path = tmp_path / "server.git"
    yield make_server(path)
    (path / "fake/hold").unlink(missing_ok=True)


@pytest.fixture
def clone(server: Server, tmp_path: Path) -> Clone:
    """A clone with one good commit that is not pushed yet."""
    clone = clone_of(server, tmp_path / "clone")
    clone.commit(GOOD)
    return clone


@pytest.fixture(scope="session")
def deployed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A server and a clone of it, with one good commit pushed and deployed; copied for each test, for a push takes its time."""
    folder = tmp_path_factory.mktemp("deployed")
    with pytest.MonkeyPatch.context() as patch:
        own_git(patch, tmp_path_factory)
        clone = clone_of(make_server(folder / "server.git"), folder / "clone")
        clone.commit(GOOD)
        done = clone.push()
        assert done.code == 0, done.said
        assert clone.server.deployed == clone.server.head, done.said
    return folder


@pytest.fixture
def live(deployed: Path, tmp_path: Path, server: Server) -> Clone:
    """A clone of a server that has deployed its one commit."""
    shutil.rmtree(server.path)
    for name in ("server.git", "clone"):
        shutil.copytree(deployed / name, tmp_path / name, symlinks=True)
    clone = Clone(tmp_path / "clone", server)
    clone.git("remote", "set-url", "origin", str(server.path))
    return clone


@pytest.fixture
def private(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where private folders are made."""
    folder = tmp_path / "tmp"
    folder.mkdir()
    monkeypatch.setenv("TMPDIR", str(folder))
    monkeypatch.delenv("XDG_RUNTIME_DIR", raising=False)
    return folder
