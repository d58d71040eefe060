"""history, show, rollback and --only, on a real repository with a memory; the workflow is the test's."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest

from tests.cli.conftest import replace_functions
from tests.memory.conftest import Remembering, _made, _own_git, remembering

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.cli.conftest import FakeWorkflow, Ran

__all__ = ["_made", "_own_git", "remembering"]


@pytest.fixture
def earlier(workflow: FakeWorkflow, remembering: Remembering, monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    """What `choose_earlier` is asked for; it goes back to the first commit."""
    asked: list[Any] = []

    def answer(source: Any, stack: str, rev: str) -> Any:
        asked.append((stack, rev))
        first = remembering.commits[0]
        return replace(source, only=(stack,), stacks=((stack, first),)) if stack else replace(source, rev=first)

    replace_functions(monkeypatch, "deployer.workflow.rollback", {"choose_earlier": answer})
    return asked


def test_history_and_show(cli: Callable[..., Ran], remembering: Remembering) -> None:
    repo = str(remembering.repo.path)
    assert cli("history", "--repo", repo) == (0, "No run is kept in this repository yet.\n", "")
    assert cli("show", "--repo", repo).code == 2
    for commit, ok in zip(remembering.commits, (True, True, False), strict=True):
        remembering.ran(commit, ok=ok)
    lines = cli("history", "--repo", repo, "-n", "2").out.splitlines()
    assert [line.split()[4] for line in lines[1:]] == ["failed", "done"]
    runs = json.loads(cli("history", "--repo", repo, "--json").out)["runs"]
    assert [run["commit"] for run in runs] == remembering.commits[::-1]
    shown = cli("show", "--repo", repo)
    assert shown.code == 0
    for words in (
        "result   failed",
        "Plan for test at ",
        "+ #1 web_1: create service",
        "image not found",
        "pull access denied",
    ):
        assert words in shown.out
    assert json.loads(cli("show", runs[2]["run"], "--repo", repo, "--json").out)["report"]["ok"] is True
    assert "there is no run 'x'" in cli("show", "x", "--repo", repo).err


@pytest.mark.parametrize(
    ("words", "asked"),
    [([], ("", "")), (["HEAD~2"], ("", "HEAD~2")), (["web"], ("web", "")), (["web", "HEAD~1"], ("web", "HEAD~1"))],
)
def test_rollback(
    cli: Callable[..., Ran], workflow: FakeWorkflow, remembering: Remembering, earlier: list[Any], words: list[str],
    asked: tuple[str, str],
) -> None:  # fmt: skip
    ran = cli("rollback", *words, "--repo", str(remembering.repo.path), "--reason", "it was better")
    assert ran.code == 0, ran.err
    assert earlier == [asked]
    assert workflow.reasons == ["it was better"]
    assert "the branch still says otherwise" in ran.err
    first = remembering.commits[0][:10]
    command = f"git restore --source={first}" if asked[0] else f"git revert --no-edit {first}..HEAD"
    assert command in ran.err


def test_only(cli: Callable[..., Ran], workflow: FakeWorkflow) -> None:
    assert cli("plan", "--only", "web", "--only", "db", "--only", "web").code == 0
    assert workflow.asked[-1].only == ("web", "db")
    assert cli("apply", "--only", "web").code == 0
    assert workflow.asked[-1].only == ("web",)
