"""How a commit stands to the one that is deployed, in real repositories."""

from __future__ import annotations

import subprocess
from typing import TYPE_CHECKING

import pytest

from deployer.model.history import Deployed
from deployer.source.history import stands, undisturbed

if TYPE_CHECKING:
    from pathlib import Path


class Repo:
    def __init__(self, path: Path) -> None:
        self.path = path
        path.mkdir()
        self.git("init", "--quiet", "--initial-branch=main")

    def git(self, *args: str) -> str:
        who = ("-c", "user.name=t", "-c", "user.email=t@localhost")
        done = subprocess.run(["git", *who, *args], cwd=self.path, capture_output=True, text=True, check=True)
        return done.stdout.strip()

    def commit(self, *args: str) -> str:
        self.git("commit", "--quiet", "--allow-empty", "--message", "x", *args)
        return self.git("rev-parse", "HEAD")


@pytest.fixture
def repo(tmp_path: Path) -> Repo:
    return Repo(tmp_path / "repo")


def test_what_the_ref_says_counts_before_the_labels(repo: Repo) -> None:
    one, two, three = repo.commit(), repo.commit(), repo.commit()
    assert stands(repo.path, two, "c", (three,)) == Deployed(three, "older")
    repo.git("update-ref", "refs/deployer/c/deployed", one)
    assert stands(repo.path, two, "c", (three,)) == Deployed(one, "follows")
    assert stands(repo.path, two, "other", (three,)) == Deployed(three, "older")


def test_the_same_and_the_next(repo: Repo) -> None:
    one, two = repo.commit(), repo.commit()
    assert stands(repo.path, two, "c", (one,)) == Deployed(one, "follows")
    assert stands(repo.path, two, "c", (two, one)) == Deployed(two, "follows")
    assert stands(repo.path, one, "c", (two, one)) == Deployed(two, "older")


def test_amended_commits_have_a_common_one(repo: Repo) -> None:
    repo.commit()
    old = repo.commit()
    new = repo.commit("--amend", "--message", "y")
    assert stands(repo.path, new, "c", (old,)) == Deployed(old, "follows")


def test_another_root(repo: Repo) -> None:
    old = repo.commit()
    repo.git("checkout", "--quiet", "--orphan", "other")
    new = repo.commit("--message", "y")
    assert stands(repo.path, new, "c", (old,)) == Deployed(old, "unrelated")


def test_a_clone_that_was_not_fetched(repo: Repo, tmp_path: Path) -> None:
    one = repo.commit()
    repo.git("clone", "--quiet", str(repo.path), str(tmp_path / "clone"))
    two = repo.commit()
    assert stands(tmp_path / "clone", one, "c", (one, two)) == Deployed(two, "missing")
    repo.git("clone", "--quiet", "--depth=1", f"file://{repo.path}", str(tmp_path / "shallow"))
    assert stands(tmp_path / "shallow", two, "c", (one,)) is None


def test_nothing_is_known(repo: Repo, tmp_path: Path) -> None:
    one = repo.commit()
    assert stands(repo.path, one, "c", ()) is None
    assert stands(repo.path, one, "c", ("worktree", "-x")) is None
    assert stands(repo.path, "worktree", "c", (one,)) is None
    assert stands(tmp_path, one, "c", (one,)) is None


def test_a_stack_is_undisturbed_while_its_files_are_those_of_the_last_deploy(repo: Repo) -> None:
    for name in ("stacks/a/compose.yaml", "stacks/a/site.conf", "stacks/b.yaml", "cluster/cluster.yaml"):
        file = repo.path / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text("1")
    repo.git("add", "--all")
    deployed = repo.commit()
    stacks = ("a", "b", "none")
    assert undisturbed(repo.path, deployed, "c", stacks) == frozenset(), "nothing is known to be deployed"
    repo.git("update-ref", "refs/deployer/c/deployed", deployed)
    assert undisturbed(repo.path, deployed, "c", stacks) == {"a", "b"}
    (repo.path / "stacks/a/site.conf").write_text("2")
    (repo.path / "cluster/cluster.yaml").write_text("2")
    later = repo.commit("--all")
    assert undisturbed(repo.path, later, "c", stacks) == {"b"}
    assert undisturbed(repo.path, "worktree", "c", stacks) == frozenset()
