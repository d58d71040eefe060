"""What there is to go back to, and how git would be made to agree."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from deployer.errors import UsageError
from deployer.memory import history
from deployer.memory.asked import Asked
from deployer.memory.entry import parse
from deployer.model.run import Scope
from tests.memory.conftest import stack

if TYPE_CHECKING:
    from tests.memory.conftest import Remembering


def test_the_last_good_commit_before_the_present(remembering: Remembering) -> None:
    first, second, third = remembering.commits
    for commit, ok in ((first, True), (second, True), (third, False)):
        remembering.ran(commit, ok=ok)
    assert history.find_good_before(remembering.repo.path) == second
    remembering.ran(second, asked=Asked("rollback"))
    assert history.find_good_before(remembering.repo.path) == first, "not forth again"


def test_a_commit_with_the_same_files_is_nothing_to_go_back_to(remembering: Remembering) -> None:
    first, second, _ = remembering.commits
    for commit in (first, second):
        remembering.ran(commit)
    words = remembering.repo.commit({**stack("nginx:1"), "README": "words\n"})
    remembering.ran(words)
    assert history.find_good_before(remembering.repo.path) == first


def test_a_stack_goes_back_to_other_files_of_its_own(remembering: Remembering) -> None:
    repo = remembering.repo
    first = repo.commit(stack("redis:1", "db"))
    second = repo.commit(stack("redis:2", "db"))
    third = repo.commit(stack("nginx:9", "web"))
    for commit in (first, second, third):
        remembering.ran(commit)
    assert history.find_good_before(repo.path) == second
    assert history.find_good_before(repo.path, "db") == first
    remembering.ran(third, scope=Scope(("web",), (("web", second),)))
    assert history.find_good_before(repo.path) == second, "a run of one stack is not the whole"
    with pytest.raises(UsageError, match="no good commit of web is known before"):
        history.find_good_before(repo.path, "web")


def test_a_rewritten_history_is_no_obstacle(remembering: Remembering) -> None:
    remembering.ran(remembering.commits[2])
    remembering.repo.git("checkout", "-q", "--orphan", "other")
    remembering.ran(remembering.repo.commit(stack("nginx:7")))
    assert history.find_good_before(remembering.repo.path) == remembering.commits[2]


def test_nothing_to_go_back_to(remembering: Remembering) -> None:
    with pytest.raises(UsageError, match="no run is kept") as caught:
        history.find_good_before(remembering.repo.path)
    assert "git fetch REMOTE" in caught.value.help
    with pytest.raises(UsageError, match="no run is kept"):
        history.find(remembering.repo.path, "7f3a")
    remembering.ran(remembering.commits[0])
    with pytest.raises(UsageError, match="no good commit is known before"):
        history.find_good_before(remembering.repo.path)


def test_a_run_is_found_by_a_part_of_its_name(remembering: Remembering) -> None:
    for commit in remembering.commits:
        remembering.ran(commit)
    path = remembering.repo.path
    assert history.find(path, "20260822-141502").run == "20260822-141502-7f3a"
    with pytest.raises(UsageError, match="3 runs are named '7f3a'"):
        history.find(path, "7f3a")
    with pytest.raises(UsageError, match="there is no run 'x'"):
        history.find(path, "x")


def test_how_git_would_agree(remembering: Remembering) -> None:
    first, _, third = remembering.commits
    path, git = remembering.repo.path, remembering.repo.git
    assert history.agreement(path, "HEAD", third) == ""
    command = history.agreement(path, "HEAD", first)
    assert command == f"git revert --no-edit {first[:10]}..HEAD"
    git(*command.split()[1:])
    assert history.agreement(path, "HEAD", first) == ""
    git(
        "merge",
        "-q",
        "--no-ff",
        "-s",
        "ours",
        "-m",
        "merged",
        git("commit-tree", "-m", "x", "HEAD^{tree}"),
        "--allow-unrelated-histories",
    )
    remembering.repo.commit(stack("nginx:8"))
    assert history.agreement(path, "HEAD", first).startswith(f"git restore --source={first[:10]}")
    assert "-- stacks/web &&" in history.agreement(path, "HEAD", first, "web")


def test_what_is_a_stack(remembering: Remembering) -> None:
    path = remembering.repo.path
    assert history.is_stack(path, "HEAD", "web")
    for name in ("wbe", "", "..", "-x", "we*", "web/compose.yaml", "main"):
        assert not history.is_stack(path, "HEAD", name), name


@pytest.mark.parametrize("text", ["", "words", "words\n\nRun: x", "a\n\nRun: 1\nCommit: 2\n\nmore"])
def test_a_commit_that_is_no_run_is_passed_over(text: str) -> None:
    assert parse("test", "1" * 40, text) is None


def test_fields_are_bounded_and_safe_to_show() -> None:
    entry = parse(
        "test", "1" * 40, f"x: y\x1b\n\nRun: {'r' * 5000}\nCommit: c\nResult: \x1b[1mdone\nSeconds: nan\nOnly: a b\n"
    )
    assert entry is not None
    assert (len(entry.run), entry.seconds, entry.scope.only) == (300, 0.0, ("a", "b"))
    assert "\x1b" not in entry.result + entry.text
