"""A sandbox with a repository: how the tests act on it as a user would, and look at it without deployer's help."""

from __future__ import annotations

import fcntl
import json
import os
import re
import subprocess
import sys
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, Self

from tests.waiting import wait_until

if TYPE_CHECKING:
    from collections.abc import Iterator

PROJECT: Final = Path(__file__).parents[2]
PREFIX: Final = "test"
"""Each sandbox of the tests is called test-KIND-PID, so that whoever comes later knows whether its makers still run."""
REMEMBERED: Final = 12
"""How many of the last commands a failed test shows."""


def sandbox_name(kind: str) -> str:
    return f"{PREFIX}-{kind}-{os.getpid()}"


class Standing:
    """`deployer` runs in its repository, with state and cache of its own; `docker` and `curl` run inside its machines.

    `kind` tells this sandbox from the others of this process; `folder` holds all of its files.
    """

    up_now: Final[list[Standing]] = []
    """The sandboxes that this process has at present: a failed test says how each of them is."""

    def __init__(self, kind: str, folder: Path) -> None:
        self.name = sandbox_name(kind)
        self.folder = folder
        self.repo = folder / "repo"
        self.repo.mkdir(parents=True)
        kept = {key: value for key, value in os.environ.items() if key in {"PATH", "HOME", "LANG", "TMPDIR"}}
        self.env = {
            **kept,
            "XDG_STATE_HOME": str(folder / "xdg/state"),
            "XDG_CACHE_HOME": str(folder / "xdg/cache"),
            "XDG_DATA_HOME": str(folder / "xdg/data"),
            "GIT_CONFIG_GLOBAL": os.devnull,
            "GIT_AUTHOR_NAME": "t", "GIT_AUTHOR_EMAIL": "t@localhost",
            "GIT_COMMITTER_NAME": "t", "GIT_COMMITTER_EMAIL": "t@localhost",
        }  # fmt: skip
        self._engine = False
        self.last: list[subprocess.CompletedProcess[str]] = []
        """The last commands of deployer, the newest at the end."""

    # --- the sandbox --------------------------------------------------------------------------------------------------

    @contextmanager
    def machines(self, message: str = "Machines", *, engine: bool = False) -> Iterator[Self]:
        """Machines for the nodes of the repository, committed with their addresses; removed at the end, whatever happens.

        They are bare, or have a Docker engine already, which saves what it costs to install one on each.
        """
        self._engine = engine
        self.git("init", "--quiet", "--initial-branch=main")
        self.up_now.append(self)
        try:
            self.boot()
            self.commit(message)
            yield self
        finally:
            self.up_now.remove(self)
            self.deployer("sandbox", "down", "--name", self.name, check=True)

    def boot(self) -> None:
        """Make the machines. One test process at a time: the first one builds the images that all of them use."""
        with Path(__file__).open(encoding="utf-8") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            self.must("sandbox", "up", "--name", self.name, "--repo", ".", *(["--with-engine"] if self._engine else []))

    @property
    def identity_file(self) -> Path:
        """The private key that opens the machines."""
        return Path(self.env["XDG_STATE_HOME"]) / "deployer/sandbox" / self.name / "id_ed25519"

    def ssh(self, *options: str, program: str = "ssh", config: str = "none") -> list[str]:
        """An OpenSSH client that knows the machines' host keys and has their key."""
        return [
            program, "-F", config, "-i", str(self.identity_file), "-o", "BatchMode=yes",
            "-o", f"UserKnownHostsFile={self.repo / 'cluster/known_hosts'}", *options,
        ]  # fmt: skip

    @contextmanager
    def engine_socket(self, machine: str, folder: Path) -> Iterator[Path]:
        """A socket of this machine that leads to that machine's engine, through one SSH connection that stays open."""
        socket = folder / "s"
        forward = ("-N", "-o", "ExitOnForwardFailure=yes", "-o", "ServerAliveInterval=5", "-L")
        argv = self.ssh(*forward, f"{socket}:/var/run/docker.sock", f"root@{self.address(machine)}")
        with subprocess.Popen(argv) as tunnel:
            try:
                wait_until(socket.exists, f"the socket of {machine}'s engine")
                yield socket
            finally:
                tunnel.terminate()

    # --- deployer and git ---------------------------------------------------------------------------------------------

    @property
    def argv(self) -> list[str]:
        return [sys.executable, "-m", "deployer"]

    def deployer(self, *args: str, check: bool = False, timeout: float = 600) -> subprocess.CompletedProcess[str]:
        done = subprocess.run(
            [*self.argv, *args],
            cwd=self.repo,
            env=self.env,
            capture_output=True,
            text=True,
            check=False,
            timeout=timeout,
        )
        self.last = [*self.last[1 - REMEMBERED :], done]
        if check:
            assert done.returncode == 0, f"deployer {' '.join(args)}: {done.returncode}\n{done.stdout}{done.stderr}"
        return done

    def must(self, *args: str) -> str:
        """All that the command says; it has to end with 0."""
        done = self.deployer(*args, check=True)
        return done.stdout + done.stderr

    def json(self, *args: str) -> Any:
        """What a reporting command says with --json."""
        return json.loads(self.deployer(*args, "--json").stdout)

    def git(self, *args: str) -> str:
        done = subprocess.run(["git", *args], cwd=self.repo, env=self.env, capture_output=True, text=True, check=True)
        return done.stdout.strip()

    def commit(self, message: str) -> str:
        self.git("add", "--all")
        self.git("commit", "--quiet", "--message", message)
        return self.git("rev-parse", "HEAD")

    def back_to(self, commit: str) -> None:
        """The branch, and what the repository remembers as deployed: what was deployed since is taken away by hand."""
        self.git("reset", "--quiet", "--hard", commit)
        for ref in self.git("for-each-ref", "--format=%(refname)", "refs/deployer/*/deployed").splitlines():
            self.git("update-ref", "-d", ref)

    def edit(self, path: str, old: str, new: str) -> None:
        file = self.repo / path
        text = file.read_text()
        assert text.count(old) == 1, (path, old)
        file.write_text(text.replace(old, new))

    # --- looking without deployer's help ------------------------------------------------------------------------------

    def container(self, machine: str) -> str:
        return f"deployer-{self.name}-{machine}"

    def on(self, machine: str, *argv: str) -> str:
        """Standard output of a command inside a machine, by the outer engine and not by SSH."""
        done = subprocess.run(
            ["docker", "exec", self.container(machine), *argv], capture_output=True, text=True, check=False, timeout=300
        )
        if done.returncode != 0:
            raise CommandError(machine, argv, done)
        return done.stdout

    def host(self, *argv: str) -> str:
        done = subprocess.run(["docker", *argv], capture_output=True, text=True, check=False, timeout=300)
        if done.returncode != 0:
            raise CommandError("this machine", ("docker", *argv), done)
        return done.stdout.strip()

    @contextmanager
    def away(self, machine: str, stop: str = "pause", start: str = "unpause") -> Iterator[None]:
        """The machine is off, or hangs, meanwhile. A busy kernel may need several tries to freeze it ("unable to freeze")."""
        container = self.container(machine)
        wait_until(lambda: self.host(stop, container), f"docker {stop} {machine}", fails=CommandError)
        try:
            yield
        finally:
            self.host(start, container)

    def listed(self, *argv: str) -> list[dict[str, Any]]:
        """`docker ... --format json`-like listing on the manager, one object a line."""
        lines = self.on("master", "docker", *argv, "--format", "{{json .}}").splitlines()
        return [json.loads(line) for line in lines]

    def address(self, machine: str) -> str:
        format_ = "{{range .NetworkSettings.Networks}}{{.IPAddress}}{{end}}"
        return self.host("inspect", "--format", format_, self.container(machine))

    def versions(self) -> dict[str, int]:
        """The Version.Index of every service and every member: any write to one of them raises its own."""
        found: dict[str, int] = {}
        for kind in ("service", "node"):
            ids = [entry["ID"] for entry in self.listed(kind, "ls")]
            for told in json.loads(self.on("master", "docker", kind, "inspect", *ids)):
                found[f"{kind} {told['ID']}"] = told["Version"]["Index"]
        return found

    def replicas(self) -> dict[str, str]:
        """`{"swarmtest_web": "3/3"}`, as Docker's own client says it."""
        return {entry["Name"]: entry["Replicas"].split()[0] for entry in self.listed("service", "ls")}


class CommandError(Exception):
    """A command inside a machine ended with another code than 0: says which, where, and all that it said."""

    def __init__(self, where: str, argv: tuple[str, ...], done: subprocess.CompletedProcess[str]) -> None:
        super().__init__(f"{where}: {' '.join(argv)}: exit code {done.returncode}\n{done.stdout}{done.stderr}")


def seconds_of(stamp: str) -> float:
    """A time as Docker writes it, since 1970: its nine digits after the point are three too many for Python."""
    return datetime.fromisoformat(re.sub(r"(\.\d{6})\d*", r"\1", stamp)).timestamp()
