"""What is followed: real files, real repositories, real remotes."""

from __future__ import annotations

import shutil
import threading
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from watchdog.observers import Observer

from deployer.errors import UnreachableError, UsageError
from deployer.source import git, remotes
from deployer.watch.sources import Branch, Origin, Remote, WorkingCopy
from tests.source.conftest import GOOD, Repo, _own_git  # noqa: F401 - a fixture for all of them
from tests.waiting import GENEROUS, wait_until

if TYPE_CHECKING:
    from collections.abc import Callable


@pytest.fixture
def repo(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Repo:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    made = Repo(tmp_path / "repo")
    made.path.mkdir()
    made.git("init", "-q", "-b", "trunk")
    made.commit(GOOD)
    return made


def rings(source: Origin, change: Callable[[], object]) -> bool:
    bell = threading.Event()
    source.start(bell.set)
    try:
        change()
        return bell.wait(GENEROUS)
    finally:
        source.stop()


def test_a_working_copy_rings_and_says_something_else_when_a_file_is_saved(repo: Repo) -> None:
    source = WorkingCopy(repo.path)
    before = source.look()
    assert source.look() == before
    assert rings(source, lambda: repo.write({"stacks/web/compose.yaml": "services: {}\n"}))
    assert source.look() != before
    assert source.source("").worktree


def test_reading_the_files_does_not_ring(repo: Repo, monkeypatch: pytest.MonkeyPatch) -> None:
    """Events of one folder come in their order: when the one of a written file has come, those of the reading have."""
    rang: list[str] = []
    seen: list[tuple[str, str]] = []
    watcher: Any = Observer
    real = watcher.schedule

    def schedule(observer: Any, handler: Any, path: str, *, recursive: bool) -> Any:
        ring = handler.on_any_event

        def noted(event: Any) -> None:
            before = len(rang)
            ring(event)
            seen.append((event.src_path, event.event_type if len(rang) == before else f"{event.event_type}, rang"))

        handler.on_any_event = noted
        return real(observer, handler, path, recursive=recursive)

    monkeypatch.setattr(watcher, "schedule", schedule)
    source = WorkingCopy(repo.path)
    source.start(lambda: rang.append(""))
    read, written = str(repo.path / "stacks/web/compose.yaml"), repo.path / "stacks/web/written"
    try:
        Path(read).read_text()
        source.look()
        written.touch()
        wait_until(
            lambda: (str(written), "created, rang") in seen, "the event of a file that was made", saw=lambda: seen
        )
    finally:
        source.stop()
    assert {kind for path, kind in seen if path == read} == {"opened", "closed_no_write"}


def test_a_folder_without_a_cluster_is_named(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="has no folder cluster/"):
        WorkingCopy(tmp_path)


def test_a_branch_is_the_one_that_is_checked_out_and_rings_when_it_moves(repo: Repo) -> None:
    source = Branch(repo.path, None)
    assert source.branch == "trunk"
    before = source.look()
    assert before == repo.git("rev-parse", "HEAD")
    assert rings(source, lambda: repo.commit({"stacks/web/compose.yaml": "services: {}\n"}))
    assert source.look() == repo.git("rev-parse", "HEAD") != before


def test_packing_refs_rings_and_changes_nothing(repo: Repo) -> None:
    source = Branch(repo.path, "trunk")
    before = source.look()
    assert rings(source, lambda: repo.git("pack-refs", "--all"))
    assert source.look() == before


def test_the_configured_branch_counts_and_one_that_is_not_there_is_named(repo: Repo) -> None:
    repo.git("config", "deployer.branch", "production")
    source = Branch(repo.path, None)
    assert source.branch == "production"
    with pytest.raises(UsageError, match="there is no branch production"):
        source.look()


def test_a_remote_is_asked_and_fetched(repo: Repo) -> None:
    source = Remote(str(repo.path), "trunk")
    first = source.look()
    where = source.source(first)
    assert git.read(git.find(where.repo), where.rev).entries
    repo.git("commit", "-q", "--amend", "--allow-empty", "-m", "rewritten")  # a forced push looks like this
    second = source.look()
    assert second == repo.git("rev-parse", "HEAD") != first
    assert git.resolve(git.find(source.source(second).repo), "trunk") == second
    assert source.path.stat().st_mode & 0o077 == 0


def test_a_remote_without_the_branch_or_that_is_gone_cannot_be_asked(repo: Repo) -> None:
    with pytest.raises(UnreachableError, match="has no branch main"):
        Remote(str(repo.path), None).look()
    shutil.rmtree(repo.path)
    with pytest.raises(UnreachableError, match="cannot be asked: "):
        Remote(str(repo.path), "trunk").look()


@pytest.mark.parametrize(
    "address",
    [
        "ext::sh -c touch% /tmp/pwned", "-oProxyCommand=x", "--upload-pack=x", "ssh://-oProxyCommand=x/y", "git@-x:y",
        "ssh://git@-oProxyCommand=x/y", "git@host:-x", "fd::17", "https://", "relative/path", "a b:c", "http://h/\nx", "",
    ],
)  # fmt: skip
def test_what_is_no_address_is_refused(address: str) -> None:
    with pytest.raises(UsageError, match="is no address of a remote"):
        remotes.checked_address(address)


@pytest.mark.parametrize(
    "address",
    ["https://example.org/ops.git", "ssh://git@example.org:22/ops.git", "git@example.org:ops.git", "example.org:ops", "/srv/git/ops.git", "file:///srv/ops.git"],
)  # fmt: skip
def test_an_address_is_one(address: str) -> None:
    assert remotes.checked_address(address) == address


def test_a_password_in_an_address_is_not_shown() -> None:
    assert remotes.shown_address("https://me:hunter2@example.org/x") == "https://[secret]@example.org/x"
    with pytest.raises(UnreachableError) as error:
        remotes.tip("https://me:hunter2@127.0.0.1:1/x.git", "main")
    assert "hunter2" not in error.value.message
