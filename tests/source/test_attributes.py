"""Files that git keeps through a filter are refused by the filter's name, whatever is in them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from deployer.source import attributes, git, index, worktree
from deployer.source.files import Entry
from tests.source.conftest import GOOD

if TYPE_CHECKING:
    from deployer.source.files import Files
    from tests.source.conftest import Repo

VAULT = {".gitattributes": "*.key filter=vault diff=vault\n", "stacks/web/tls.key": "cipher", "README.md": "# mine\n"}


def committed(repo: Repo, files: dict[str, str]) -> Files:
    commit = repo.commit({**GOOD, **files})
    return git.read(git.find(repo.path), commit)


def told(files: Files) -> dict[str, str]:
    return {problem.path: problem.message for problem in files.problems}


@pytest.mark.parametrize("source", ["commit", "staged", "worktree"])
def test_a_filter_is_named(repo: Repo, source: str) -> None:
    files = committed(repo, VAULT)
    if source == "staged":
        files = index.read(git.find(repo.path))
    elif source == "worktree":
        files = worktree.read(repo.path)
    assert told(files) == {
        "stacks/web/tls.key": "goes through git's filter vault: in a commit it is not the file itself"
    }
    assert {entry.path for entry in files.entries} == {*GOOD, "stacks/web/tls.key"}


@pytest.mark.parametrize(
    ("files", "filtered"),
    [
        ({".gitattributes": "[attr]mine filter=age\nstacks/web/* mine\n"}, {"stacks/web/compose.yaml"}),
        ({"stacks/.gitattributes": "/web/*.yaml filter=x\n"}, {"stacks/web/compose.yaml"}),
        ({"stacks/web/.gitattributes": "compose.yaml filter=x\n"}, {"stacks/web/compose.yaml"}),
        ({".gitattributes": "* filter=x\n", "stacks/.gitattributes": "* -filter\n", "cluster/.gitattributes": "* !filter\n"}, set()),
        ({".gitattributes": "*.yaml filter=lfs diff=lfs merge=lfs -text\n"}, set()),
        ({".gitattributes": "*.yaml filter\n*.md filter=x\n"}, set()),
        ({".gitattributes": '"stacks/web/a b.txt" filter=x\n', "stacks/web/a b.txt": "x"}, {"stacks/web/a b.txt"}),
        ({"apps/.gitattributes": "* filter=x\n", "apps/a": "x"}, set()),
    ],
)  # fmt: skip
def test_it_counts_where_git_says_so(repo: Repo, files: dict[str, str], filtered: set[str]) -> None:
    found = committed(repo, files)
    assert told(found).keys() == filtered
    assert not any(entry.path == ".gitattributes" for entry in found.entries)


def test_the_commits_own_attributes_count_and_no_others(repo: Repo) -> None:
    (repo.path / ".git/info").mkdir(exist_ok=True)
    (repo.path / ".git/info/attributes").write_text("* filter=mine\n")
    files = committed(repo, {"stacks/web/.gitattributes": "* filter=x\n", "stacks/web/a": "1"})
    repo.write({".gitattributes": "* filter=lies-there\n", "stacks/web/.gitattributes": ""})
    files = git.read(git.find(repo.path), repo.git("rev-parse", "HEAD"))
    assert {message.split()[4] for message in told(files).values()} == {"x:"}
    assert told(files).keys() == {"stacks/web/.gitattributes", "stacks/web/a", "stacks/web/compose.yaml"}


def test_without_a_word_of_filters_git_is_not_asked(repo: Repo, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[object] = []
    monkeypatch.setattr(attributes, "_ask", lambda *given: asked.append(given))
    files = committed(repo, {".gitattributes": "* text=auto\n*.png binary\n", "stacks/.gitattributes": "a eol=lf\n"})
    assert told(files) == {}
    assert asked == []


@pytest.mark.parametrize("kind", ["link", "folder"])
def test_what_is_no_file_has_no_attributes(repo: Repo, kind: str) -> None:
    if kind == "link":
        (repo.path / ".gitattributes").symlink_to("filter")
        repo.write({"filter": "* filter=x\n"})
    else:
        repo.write({".gitattributes/a": "* filter=x\n"})
    assert told(committed(repo, {})) == {}
    assert told(worktree.read(repo.path)) == {}


def test_hostile_patterns_end(repo: Repo) -> None:
    lines = [
        "*" * 2_000 + "b filter=x",
        "a*" * 300 + "b filter=x",
        "[" * 5_000 + " filter=x",
        '"\\',
        "\0 filter=\x1b[31m",
        "x" * 5_000,
    ]
    files = committed(repo, {".gitattributes": "\n".join(lines), f"stacks/web/{'a' * 200}": "1"})
    assert all(message.isprintable() for message in told(files).values())


def test_a_git_that_fails_is_a_problem() -> None:
    entries = [Entry(".gitattributes", 0o100644, "", b"* filter=x"), Entry("stacks/a", 0o100644, "", b"1")]
    kept, problems = attributes.refuse_filtered(lambda: "/bin/false", entries)
    assert [entry.path for entry in kept] == ["stacks/a"]
    assert [(one.path, one.message) for one in problems] == [(".gitattributes", "cannot be read by git")]


def test_a_name_that_a_terminal_would_obey_is_shown_and_not_obeyed() -> None:
    entries = [Entry(".gitattributes", 0o100644, "", b"* filter=\x1b]0;x\x07"), Entry("stacks/a", 0o100644, "", b"1")]
    _, problems = attributes.refuse_filtered(git.executable, entries)
    assert [one.message.isprintable() for one in problems] == [True]
