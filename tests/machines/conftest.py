"""Repositories with machines, real ones; nothing of whoever runs the tests counts."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from deployer.workflow.validate import Source
from tests.remote.conftest import programs
from tests.source.conftest import Repo, _own_git

if TYPE_CHECKING:
    from pathlib import Path

__all__ = ["_own_git", "programs"]

CLUSTER = "name: test\nssh: {user: root}\n"


@pytest.fixture(autouse=True)
def home(_own_git: None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A home directory with an empty .ssh in it, and no agent."""
    path = tmp_path / "home"
    (path / ".ssh").mkdir(mode=0o700, parents=True)
    monkeypatch.setenv("HOME", str(path))
    monkeypatch.delenv("SSH_AUTH_SOCK", raising=False)
    return path


@pytest.fixture
def repository(tmp_path: Path) -> Repo:
    """A repository with a cluster file and no machine yet; nothing is committed."""
    made = Repo(tmp_path / "repository")
    made.path.mkdir()
    made.git("init", "-q", "-b", "main")
    made.write({"cluster/cluster.yaml": CLUSTER})
    return made


@pytest.fixture
def source(repository: Repo) -> Source:
    """What a command reads of it."""
    return Source(repository.path)
