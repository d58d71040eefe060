"""Remotes over SSH, HTTP and a path: git and ssh reach them from their cage, and nothing else of whoever runs them."""

from __future__ import annotations

import os
import shutil
from typing import TYPE_CHECKING

import pytest

from deployer.cage import kernel
from deployer.errors import UnreachableError
from deployer.source import git, refs, remotes
from tests.e2e.transports import over_files, over_http, over_ssh
from tests.source.conftest import GOOD, Repo, clean

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@pytest.fixture
def repo(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, tmp_path_factory: pytest.TempPathFactory) -> Repo:
    clean(monkeypatch, tmp_path_factory)
    made = Repo(tmp_path / "root/ops.git")
    made.path.mkdir(parents=True)
    made.git("init", "-q", "-b", "main")
    made.commit(GOOD)
    return made


@pytest.fixture(params=["file", "ssh", "http"])
def address(
    request: pytest.FixtureRequest, repo: Repo, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[str]:
    root = repo.path.parent
    if request.param == "file":
        yield f"{over_files(root).url}/ops.git/.git"
        return
    if request.param == "http":
        with over_http(root) as way:
            yield f"{way.url}/ops.git/.git"
        return
    keys = tmp_path / "bin"
    keys.mkdir()
    with over_ssh(root, keys) as way:
        # The program that git finds as ssh, with keys of this test: it lies beside them.
        command, own = way.environment["GIT_SSH_COMMAND"].split(" ", 1)
        program = keys / command
        program.write_text(f'#!/bin/sh\nexec {shutil.which("ssh")} {own} "$@"\n')
        program.chmod(0o755)
        monkeypatch.setenv("PATH", f"{keys}:{os.environ['PATH']}")
        yield f"{way.url}/ops.git/.git"


def bare(path: Path) -> git.Repository:
    path.mkdir()
    refs.initialise(path, "main")
    return git.find(path)


def test_a_branch_is_asked_and_fetched(address: str, repo: Repo, tmp_path: Path) -> None:
    tip = repo.git("rev-parse", "HEAD")
    assert remotes.tip(address, "main") == tip
    copy = bare(tmp_path / "copy.git")
    remotes.fetch(copy, address, "main")
    assert refs.value(copy, "refs/heads/main") == tip
    assert refs.file(copy, tip, "cluster/cluster.yaml") == b"name: test\n"
    with pytest.raises(UnreachableError, match="has no branch other"):
        remotes.tip(address, "other")


def test_a_path_needs_no_network_and_no_other_repository(repo: Repo, tmp_path: Path) -> None:
    if not kernel.look().confines:
        pytest.skip(f"no cage here: {kernel.look().lacks}")
    other = Repo(tmp_path / "other")
    other.path.mkdir()
    other.git("init", "-q", "-b", "main")
    other.commit(GOOD | {"README": "another one\n"})
    (repo.path / ".git/objects/info/alternates").write_text(f"{other.path}/.git/objects\n")
    repo.git("update-ref", "refs/heads/borrowed", other.git("rev-parse", "HEAD"))
    assert remotes.tip(str(repo.path), "main") == repo.git("rev-parse", "HEAD")
    with pytest.raises(UnreachableError):
        remotes.fetch(bare(tmp_path / "copy.git"), str(repo.path), "borrowed")
