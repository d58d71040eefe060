"""A sandbox with a repository: how the tests act on it as a user would, and look at it without deployer's help."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import time
from datetime import datetime
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable

PROJECT = Path(__file__).parents[2]


class Standing:
    """`deployer` runs in its repository, with state and cache of its own; `docker` and `curl` run inside its machines."""

    def __init__(self, name: str, repo: Path, xdg: Path) -> None:
        self.name = name
        self.repo = repo
        repo.mkdir(parents=True)
        kept = {key: value for key, value in os.environ.items() if key in {"PATH", "HOME", "LANG"}}
        self.env = {
            **kept,
            "XDG_STATE_HOME": str(xdg / "state"),
            "XDG_CACHE_HOME": str(xdg / "cache"),
            "XDG_DATA_HOME": str(xdg / "data"),
            "GIT_CONFIG_GLOBAL": os.devnull,
            "GIT_AUTHOR_NAME": "t", "GIT_AUTHOR_EMAIL": "t@localhost",
            "GIT_COMMITTER_NAME": "t", "GIT_COMMITTER_EMAIL": "t@localhost",
        }  # fmt: skip

    @property
    def argv(self) -> list[str]:
        return [sys.executable, "-m", "deployer"]

    def deployer(self, *args: str, check: bool = False, timeout: float = 600) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [*self.argv, *args],
            cwd=self.repo,
            env=self.env,
            capture_output=True,
            text=True,
            check=check,
            timeout=timeout,
        )

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

    def container(self, machine: str) -> str:
        return f"deployer-{self.name}-{machine}"

    def on(self, machine: str, *argv: str) -> str:
        """Standard output of a command inside a machine, by the outer engine and not by SSH."""
        done = subprocess.run(
            ["docker", "exec", self.container(machine), *argv], capture_output=True, text=True, check=True, timeout=120
        )
        return done.stdout

    def host(self, *argv: str) -> str:
        return subprocess.run(["docker", *argv], capture_output=True, text=True, check=True, timeout=120).stdout.strip()

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

    def told(self) -> str:
        """Members, services, and the last errors of tasks, for whoever reads of a test that failed."""
        script = (
            "docker node ls; docker service ls | head -n 30;"
            "docker service ps --no-trunc"
            " --format '{{.Name}} {{.Node}} {{.CurrentState}} {{.Error}}' $(docker service ls --quiet)"
            " | grep -v ' $' | head -n 12"
        )
        argv = ["docker", "exec", self.container("master"), "sh", "-c", script]
        try:
            done = subprocess.run(argv, capture_output=True, text=True, check=False, timeout=30)
        except subprocess.TimeoutExpired:
            return "master does not answer"
        return done.stdout + done.stderr

    def forget_lost_members(self) -> None:
        """Take the entries of machines that left the swarm, and have joined it anew, out of the managers' list."""

        def lost() -> list[str]:
            return [entry["ID"] for entry in self.listed("node", "ls") if entry["Status"] == "Down"]

        names = [entry["Hostname"] for entry in self.listed("node", "ls")]
        if len(names) == len(set(names)):
            return  # they were down already when the machine joined anew: apply has taken them out
        assert until(lambda: bool(lost()), 60)
        self.on("master", "docker", "node", "rm", "--force", *lost())

    def nothing_runs(self) -> None:
        """Take the stacks, the swarm and Consul away again; the engines stay.

        A kernel takes the interfaces of overlay networks away some time after the engine let go of them, and the next swarm
        numbers its networks from the start again: its tasks would fail with "error creating vxlan interface: file exists".
        """
        members = ("slave2", "slave", "master")
        for machine in members:
            self.on(machine, "sh", "-c", "docker swarm leave --force || true")
        self.on("consul", "sh", "-c", "docker rm --force --volumes deployer-consul || true")
        for machine in members:
            gone = partial(self._overlays_are_gone, machine)
            if not until(gone, 20):
                # An engine finds them when it starts, and takes each away when its number is needed.
                self.on(machine, "sh", "-c", "systemctl reset-failed docker; systemctl restart docker")

    def _overlays_are_gone(self, machine: str) -> bool:
        """Whether an interface can be made for each number that a swarm's first networks get: they are not listed anywhere."""
        probe = (
            "for number in 4096 4097 4098 4099; do"
            " ip link add probe type vxlan id $number dstport 4789 2>/dev/null || exit 0; ip link del probe; done; echo gone"
        )
        return self.on(machine, "sh", "-c", probe) == "gone\n"


def seconds_of(stamp: str) -> float:
    """A time as Docker writes it, since 1970: its nine digits after the point are three too many for Python."""
    return datetime.fromisoformat(re.sub(r"(\.\d{6})\d*", r"\1", stamp)).timestamp()


def until(happened: Callable[[], bool], seconds: float) -> bool:
    """Whether it came about in time."""
    deadline = time.monotonic() + seconds
    while not happened():
        if time.monotonic() > deadline:
            return False
        time.sleep(0.2)
    return True
