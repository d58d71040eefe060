"""The pre-commit framework itself, from PyPI, installs this repository's hook and runs it on a commit."""

from __future__ import annotations

import os
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from tests.e2e.standing import PROJECT
from tests.source.conftest import GOOD, Repo

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

CONFIG = """\
repos:
  - repo: {repo}
    rev: {rev}
    hooks:
      - id: deployer-validate
      - id: deployer-schema
"""


@pytest.fixture(scope="module")
def framework(tmp_path_factory: pytest.TempPathFactory) -> Callable[..., subprocess.CompletedProcess[str]]:
    """`pre-commit ...` in a repository, with a home of its own."""
    pytest.importorskip("pre_commit")
    home = tmp_path_factory.mktemp("pre-commit")

    def run(repo: Path, *argv: str) -> subprocess.CompletedProcess[str]:
        kept = {name: value for name, value in os.environ.items() if not name.startswith(("GIT_", "PRE_COMMIT"))}
        environment = {
            **kept,
            "PRE_COMMIT_HOME": str(home),
            "GIT_CONFIG_GLOBAL": os.devnull,
            **{f"GIT_{who}_NAME": "t" for who in ("AUTHOR", "COMMITTER")},
            **{f"GIT_{who}_EMAIL": "t@localhost" for who in ("AUTHOR", "COMMITTER")},
        }
        return subprocess.run(argv, cwd=repo, env=environment, capture_output=True, text=True, check=False, timeout=600)

    return run


@pytest.fixture(scope="module")
def repo(tmp_path_factory: pytest.TempPathFactory, framework: Callable[..., subprocess.CompletedProcess[str]]) -> Repo:
    """A repository with the hook installed by the framework, from a clone of this one at its last commit."""
    folder = tmp_path_factory.mktemp("hooked")
    subprocess.run(["git", "clone", "--quiet", str(PROJECT), str(folder / "deployer")], check=True)
    rev = Repo(folder / "deployer").git("rev-parse", "HEAD")
    repo = Repo(folder / "repo")
    repo.path.mkdir()
    repo.git("init", "--quiet", "--initial-branch=main")
    repo.write({**GOOD, ".pre-commit-config.yaml": CONFIG.format(repo=folder / "deployer", rev=rev)})
    repo.git("add", "--all")
    installed = framework(repo.path, sys.executable, "-m", "pre_commit", "install", "--install-hooks")
    assert installed.returncode == 0, installed.stdout + installed.stderr
    return repo


def test_a_commit_without_mistakes_goes_through(
    repo: Repo, framework: Callable[..., subprocess.CompletedProcess[str]]
) -> None:
    done = framework(repo.path, "git", "commit", "--message", "good")
    assert done.returncode == 0, done.stdout + done.stderr
    assert "deployer validate" in done.stderr
    assert "Passed" in done.stderr


def test_a_typo_that_is_staged_is_refused_with_its_line(
    repo: Repo, framework: Callable[..., subprocess.CompletedProcess[str]]
) -> None:
    repo.write({"stacks/web/compose.yaml": "services:\n  web:\n    imag: nginx\n"})
    repo.git("add", "--all")
    repo.write(GOOD)
    done = framework(repo.path, "git", "commit", "--message", "typo")
    assert done.returncode == 1
    assert "stacks/web/compose.yaml:3:5: error: unknown key 'imag' in services.web" in done.stdout + done.stderr
    assert "exit code: 3" in done.stdout + done.stderr


def test_a_commit_that_only_deletes_is_checked(
    repo: Repo, framework: Callable[..., subprocess.CompletedProcess[str]]
) -> None:
    """The framework skips a hook that names `files` where no file is left to be checked."""
    repo.git("reset", "--quiet", "--hard")
    repo.git("rm", "--quiet", "cluster/cluster.yaml")
    done = framework(repo.path, "git", "commit", "--message", "gone")
    assert done.returncode == 1, done.stdout + done.stderr
    assert "exit code: 3" in done.stdout + done.stderr


def test_what_does_not_concern_it_is_not_checked(
    repo: Repo, framework: Callable[..., subprocess.CompletedProcess[str]]
) -> None:
    repo.git("reset", "--quiet", "--hard")
    repo.write({"README": "words\n"})
    repo.git("add", "--all")
    done = framework(repo.path, "git", "commit", "--message", "words")
    assert done.returncode == 0, done.stdout + done.stderr
    assert "Skipped" in done.stderr
