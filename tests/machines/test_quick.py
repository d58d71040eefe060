"""The short way into a machine: only where everything is as it was, and then without the rest of the program."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

import deployer
from deployer.machines.quick import head, keep, look

if TYPE_CHECKING:
    from tests.source.conftest import Repo

ROOT = Path(deployer.__file__).parents[1]
MACHINE = {"cluster/nodes/web.yaml": "address: 192.0.2.1\nswarm: none\nssh: {user: admin, port: 2222}\n"}


@pytest.fixture(autouse=True)
def _cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))


@pytest.mark.parametrize("state", ["loose", "packed", "detached", "on a branch with a slash"])
def test_the_commit_is_what_git_says(repository: Repo, state: str) -> None:
    repository.commit(MACHINE)
    ways = {"packed": "gc", "detached": "checkout --detach", "on a branch with a slash": "checkout -b a/b"}
    if state in ways:
        repository.git(*ways[state].split(), "--quiet")
    below = repository.path / "cluster" / "nodes"
    assert head(str(below)) == (str(repository.path), repository.git("rev-parse", "HEAD"))


def test_without_a_commit_or_a_repository_git_has_to_be_asked(repository: Repo, tmp_path: Path) -> None:
    assert head(str(repository.path)) is None
    assert head(str(tmp_path)) is None
    repository.commit(MACHINE)
    repository.git("worktree", "add", "--quiet", str(tmp_path / "linked"))
    assert head(str(tmp_path / "linked")) is None


def test_what_is_kept_holds_for_this_commit_and_these_files(tmp_path: Path) -> None:
    file = tmp_path / "known_hosts"
    file.touch(0o600)
    keep("/repo", "1" * 40, "web", ("ssh", "web"), (str(file),))
    keep("/repo", "1" * 40, "db", ("ssh", "db"), ())
    assert look("/repo", "1" * 40, "web") == ["ssh", "web"]
    assert look("/repo", "1" * 40, "db") == ["ssh", "db"]
    assert look("/repo", "2" * 40, "web") is None
    assert look("/other", "1" * 40, "web") is None
    assert look("/repo", "1" * 40, "nobody") is None
    file.chmod(0o666)
    assert look("/repo", "1" * 40, "web") is None, "anybody may have written it"
    file.chmod(0o600)
    file.unlink()
    assert look("/repo", "1" * 40, "web") is None


def test_nothing_but_ssh_is_ever_started() -> None:
    keep("/repo", "1" * 40, "web", ("sh", "-c", "id"), ())
    assert look("/repo", "1" * 40, "web") is None


def test_another_ssh_config_is_read_anew(home: Path) -> None:
    keep("/repo", "1" * 40, "web", ("ssh", "web"), ())
    (home / ".ssh" / "config").write_text("Host web\n", "utf-8")
    assert look("/repo", "1" * 40, "web") is None


def test_the_second_time_nothing_but_ssh_is_started(repository: Repo, programs: Path) -> None:
    """A stand-in for ssh says how it was called; the real one is asked for its settings (`ssh -G`) the first time."""
    repository.commit(MACHINE)
    (programs / "ssh").write_text('#!/bin/sh\n[ "$1" = -G ] && exec /usr/bin/ssh "$@"\nprintf "%s|" "$@"\n', "utf-8")
    (programs / "ssh").chmod(0o755)
    expected = "-o|StrictHostKeyChecking=ask|-o|User=admin|-o|Port=2222|-o|ConnectTimeout=5|192.0.2.1|-v|ls /|"

    def enter(*flags: str) -> subprocess.CompletedProcess[str]:
        argv = [sys.executable, *flags, "-m", "deployer", "m", "ssh", "web", "-v", "ls /"]
        environment = {**os.environ, "PYTHONPATH": str(ROOT)}
        return subprocess.run(argv, cwd=repository.path, env=environment, capture_output=True, text=True, check=True)

    assert enter().stdout == expected
    second = enter("-X", "importtime")
    assert second.stdout == expected
    imported = {line.rpartition("|")[2].strip() for line in second.stderr.splitlines()}
    assert "deployer.machines.quick" in imported
    assert not imported & {"typer", "yaml", "git", "asyncssh", "subprocess"}
    argv = [sys.executable, "-X", "importtime", "-c", "import json, runpy"]
    bare = subprocess.run(argv, capture_output=True, text=True, check=True).stderr
    more = imported - {line.rpartition("|")[2].strip() for line in bare.splitlines()}
    assert len(more) < 10, f"what it imports is what it costs: {sorted(more)}"
