"""What docs/machines.md says for who comes from docker-machine: each command of its tables is run, and prints what stands there."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from dataclasses import dataclass
from typing import TYPE_CHECKING

import pytest

from tests.e2e.standing import PROJECT
from tests.machines.docs import Row, rows

if TYPE_CHECKING:
    from pathlib import Path

    from tests.e2e.standing import Standing

EVERY = [row for head in ("docker-machine 0.16", "2016") for row in rows(head) if row.prints]
PAGE = {"consul": "10.99.0.11", "master": "10.99.0.12", "slave": "10.99.0.13", "slave2": "10.99.0.14"}
"""The addresses of the documentation."""


@dataclass(frozen=True)
class Shell:
    """A user's shell in a clone of the cluster's repository, with a home and a cache of its own."""

    cluster: Standing
    repo: Path
    env: dict[str, str]

    def run(self, command: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            ["bash", "-c", command],
            cwd=self.repo,
            env=self.env,
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )

    def here(self, text: str) -> str:
        """With the addresses that these machines have."""
        for name, address in PAGE.items():
            text = text.replace(address, self.cluster.address(name))
        return text


@pytest.fixture(scope="module")
def shell(cluster: Standing, tmp_path_factory: pytest.TempPathFactory) -> Shell:
    """OpenSSH finds the home directory by the system's list of users, so a stand-in names the files of this one."""
    place = tmp_path_factory.mktemp("machine")
    (place / "bin").mkdir()
    (place / "home/.ssh").mkdir(parents=True, mode=0o700)
    (place / "home/.ssh/config").touch()
    for program in ("ssh", "scp"):
        found = shutil.which(program)
        config = "" if program == "scp" else f'case $1 in -F) ;; *) set -- -F {place}/home/.ssh/config "$@";; esac\n'
        (place / "bin" / program).write_text(f'#!/bin/sh\n{config}exec {found} "$@"\n', "utf-8")
    (place / "bin/deployer").write_text(f'#!/bin/sh\nexec {sys.executable} -m deployer "$@"\n', "utf-8")
    for path in (place / "bin").iterdir():
        path.chmod(0o755)
    subprocess.run(["git", "clone", "--quiet", str(cluster.repo), str(place / "repo")], check=True, env=cluster.env)
    env = {
        **cluster.env,
        "HOME": str(place / "home"),
        "PATH": f"{place / 'bin'}:{os.environ['PATH']}",
        "PYTHONPATH": str(PROJECT),
        "XDG_CACHE_HOME": str(place / "cache"),
        "SHELL": "/bin/bash",
        "CONSUL": cluster.address("consul"),
    }
    made = Shell(cluster, place / "repo", env)
    assert made.run("deployer machine ssh-config --install").returncode == 0
    return made


@pytest.mark.parametrize("row", EVERY, ids=[row.old for row in EVERY])
def test_each_command_prints_what_the_page_says(shell: Shell, row: Row) -> None:
    command = shell.here(row.new[0])
    adds = re.search(r"machine (?:create|add).* (consul|master|slave2?)\b", row.new[0])
    if adds:  # which is not there yet; the others are reached by their managers as before
        name = next(name for name, address in PAGE.items() if address in row.new[0])
        (shell.repo / f"cluster/nodes/{name}.yaml").unlink()
    try:
        ran = shell.run(command)
    finally:
        shell.run("git stash --quiet --include-untracked && git stash drop --quiet")
    said = [
        " ".join(line.split()) for line in (ran.stdout + ran.stderr).splitlines()
    ]  # columns are as wide as addresses
    for line in row.prints:
        if line == "...":
            continue
        pattern = re.escape(" ".join(shell.here(line).split())).replace(re.escape("..."), ".*")
        assert any(re.fullmatch(f"(deployer: )?{pattern}", one) for one in said), (line, said)
    assert ran.returncode == (1 if "No active host found" in row.prints else 0), said


def test_a_context_leads_docker_to_each_machine_and_to_the_swarm(shell: Shell) -> None:
    """In a store of the test's own, since the home directory is one."""
    ran = shell.run("deployer context sync")
    assert (ran.returncode, ran.stderr) == (0, "")
    ids = {
        name: shell.cluster.on(name, "docker", "info", "--format", "{{.ID}}").strip() for name in ("master", "slave")
    }
    for context, machine in (("sandbox-slave", "slave"), ("sandbox", "master")):
        seen = shell.run(f"docker --context {context} info --format '{{{{.ID}}}}'")
        assert seen.stdout.strip() == ids[machine], seen.stderr
    assert shell.run("deployer context rm").returncode == 0
    assert shell.run("docker context ls --quiet").stdout == "default\n"


def test_files_are_copied_between_this_machine_and_two_others(shell: Shell) -> None:
    (shell.repo.parent / "file").write_text("there and back\n", "utf-8")
    assert shell.run("deployer machine scp -q ../file master:/tmp/file").returncode == 0
    assert shell.run("deployer machine scp -q master:/tmp/file slave2:/tmp/file").returncode == 0
    assert shell.run("deployer machine ssh slave2 cat /tmp/file").stdout == "there and back\n"


def test_the_engines_log_is_shown_by_sudo_where_the_user_is_not_root(shell: Shell) -> None:
    assert shell.run("deployer machine ssh slave2 id -un").stdout == "admin\n"
    ran = shell.run("deployer machine logs --lines 5 slave2")
    assert "dockerd" in ran.stdout, ran.stderr


def test_a_machine_that_runs_is_adopted_as_it_is(shell: Shell) -> None:
    """Its container goes on, and the file says what it was: the next plan has nothing to do on it."""
    before = shell.cluster.on("slave", "docker", "ps", "--all", "--quiet", "--no-trunc")
    (shell.repo / "cluster/nodes/slave.yaml").unlink()
    try:
        ran = shell.run(shell.here("deployer machine adopt slave --address 10.99.0.13"))
        text = (shell.repo / "cluster/nodes/slave.yaml").read_text("utf-8")
    finally:
        shell.run("git checkout --quiet .")
    assert ran.returncode == 0, ran.stderr
    assert "note: deployer apply would change nothing on it" in ran.stdout
    assert "\nswarm: worker\n" in text
    assert "\nlabels: {zone: par1}\n" in text
    assert shell.cluster.on("slave", "docker", "ps", "--all", "--quiet", "--no-trunc") == before
