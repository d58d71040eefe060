"""What is staged: the index, as git writes it, whatever lies in the working tree."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import pytest

from deployer.errors import InvalidFilesError
from deployer.source import git, index, load
from tests.source.conftest import GOOD

if TYPE_CHECKING:
    from deployer.source.files import Files
    from tests.source.conftest import Repo


def staged(repo: Repo) -> Files:
    return index.read(git.find(repo.path))


def test_it_reads_what_is_staged_and_not_what_lies_there(repo: Repo) -> None:
    repo.commit(GOOD)
    repo.write({"stacks/web/compose.yaml": "staged\n", "stacks/api/compose.yaml": "new\n"})
    repo.git("add", "-A")
    repo.write({"stacks/web/compose.yaml": "not staged\n", "stacks/other/compose.yaml": "unknown to git\n"})
    found = {entry.path: entry.data for entry in staged(repo).entries}
    assert found.keys() == {*GOOD, "stacks/api/compose.yaml"}
    assert found["stacks/web/compose.yaml"] == b"staged\n"


def test_it_is_what_the_commit_will_hold(repo: Repo) -> None:
    repo.write(GOOD)
    repo.git("add", "-A")
    before = staged(repo)
    commit = repo.commit()
    assert before.entries == git.read(git.find(repo.path), commit).entries


def test_from_a_folder_below_and_without_a_commit(repo: Repo) -> None:
    repo.write(GOOD)
    repo.git("add", "-A")
    assert {entry.path for entry in index.read(git.find(repo.path / "stacks/web")).entries} == {*GOOD}
    assert load(repo.path, staged=True).commit == "staged"


def test_the_same_refusals_as_for_a_commit(repo: Repo) -> None:
    repo.write(GOOD)
    (repo.path / "stacks/web/link").symlink_to("/etc/passwd")
    repo.write({"stacks/web/big": b"x" * (1 << 20) + b"x"})
    repo.git("add", "-A")
    repo.git("update-index", "--add", "--cacheinfo", f"160000,{'1' * 40},stacks/web/module")
    with pytest.raises(InvalidFilesError) as caught:
        load(repo.path, staged=True)
    said = {problem.path.rpartition("/")[2]: problem.message for problem in caught.value.problems}
    assert said.keys() == {"big", "link", "module"}
    assert "symbolic link" in said["link"]
    assert "submodule" in said["module"]


def test_a_conflict_is_named_once(repo: Repo) -> None:
    repo.commit(GOOD)
    blob = repo.git("rev-parse", "HEAD:stacks/web/compose.yaml")
    lines = "".join(f"100644 {blob} {stage}\tstacks/web/compose.yaml\n" for stage in (1, 2, 3))
    repo.git("update-index", "--index-info", stdin=f"0 {'0' * 40}\tstacks/web/compose.yaml\n{lines}".encode())
    assert [(problem.path, problem.message) for problem in staged(repo).problems] == [
        ("stacks/web/compose.yaml", "is not merged yet")
    ]


def test_a_file_that_is_only_announced_is_not_in_the_commit(repo: Repo) -> None:
    repo.commit(GOOD)
    repo.write({"stacks/later/compose.yaml": "services: {}\n", "stacks/web/empty.env": ""})
    repo.git("add", "--intent-to-add", "stacks/later/compose.yaml")
    repo.git("add", "stacks/web/empty.env")
    assert {entry.path for entry in staged(repo).entries} == {*GOOD, "stacks/web/empty.env"}


def test_the_index_of_a_commit_of_some_files(repo: Repo, monkeypatch: pytest.MonkeyPatch) -> None:
    """`git commit FILE` makes an index of its own and names it to the hook, in a path from the top."""
    repo.commit(GOOD)
    repo.write({"stacks/web/compose.yaml": "in the commit\n"})
    monkeypatch.setenv("GIT_INDEX_FILE", str(repo.path / ".git/next-index-1.lock"))
    repo.git("read-tree", "HEAD")
    repo.git("add", "stacks/web/compose.yaml")
    monkeypatch.setenv("GIT_INDEX_FILE", ".git/next-index-1.lock")
    monkeypatch.chdir(repo.path / "stacks")
    found = {entry.path: entry.data for entry in staged(repo).entries}
    assert found["stacks/web/compose.yaml"] == b"in the commit\n"


def test_the_index_of_another_repository_does_not_count(
    repo: Repo, monkeypatch: pytest.MonkeyPatch, tmp_path: object
) -> None:
    repo.commit(GOOD)
    monkeypatch.setenv("GIT_INDEX_FILE", os.devnull)
    assert {entry.path for entry in staged(repo).entries} == {*GOOD}


def test_hostile_names_stay_names(repo: Repo) -> None:
    repo.write(GOOD)
    repo.write({"stacks/web/$(id)\n-x": "x\n", "stacks/web/--output=x": "y\n"})
    repo.git("add", "-A")
    found = staged(repo)
    assert "stacks/web/--output=x" in {entry.path for entry in found.entries}
    assert [problem.message for problem in found.problems] == ["has a name with a control character or a backslash"]
