"""What runs, asked by a stack's name."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from deployer.entry import wait_for
from deployer.errors import UsageError
from deployer.model.running import Row, Running
from deployer.workflow import running
from deployer.workflow.validate import Source
from tests.source.conftest import GOOD, Repo, _own_git

if TYPE_CHECKING:
    from pathlib import Path


__all__ = ["_own_git"]


@pytest.fixture
def repo(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Repo:
    """With the stacks web and db in its last commit, and late in its working tree."""

    async def observe(_: object, __: object, stack: str, *, everything: bool) -> Running:
        assert not everything
        return Running("test", (Row("m1", "old_web.1", "abc"),) if stack == "old" else ())

    monkeypatch.setattr(running, "observe_running", observe)
    made = Repo(tmp_path / "repo")
    made.path.mkdir()
    made.git("init", "-q", "-b", "main")
    made.commit({**GOOD, "stacks/db.yaml": "services: {db: {image: redis}}\n", "stacks/notes.txt": "none of ours"})
    made.write({"stacks/late/compose.yaml": "services: {late: {image: redis}}\n"})
    return made


@pytest.mark.parametrize("stack", ["web", "db", "old", ""])
def test_a_stack_without_containers_is_nothing_wrong(repo: Repo, stack: str) -> None:
    assert len(wait_for(running.ps(Source(repo.path), stack)).rows) == (stack == "old")


@pytest.mark.parametrize(
    ("stack", "help_"), [("wep", "did you mean 'web'?"), ("nosuch", "there are db, web"), ("late", "there are db, web")]
)
def test_a_stack_that_nobody_knows_is_a_mistake(repo: Repo, stack: str, help_: str) -> None:
    """`deployer ps NOSUCH` said that there are 0 containers."""
    with pytest.raises(UsageError, match=f"there is no stack '{stack}'") as said:
        wait_for(running.ps(Source(repo.path), stack))
    assert said.value.help == help_


def test_the_stacks_of_the_working_tree(repo: Repo) -> None:
    assert wait_for(running.ps(Source(repo.path, worktree=True), "late")).rows == ()
    with pytest.raises(UsageError):
        wait_for(running.ps(Source(repo.path, worktree=True), "notes"))
