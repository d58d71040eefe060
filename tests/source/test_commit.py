"""Commits of edited files in real repositories."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from deployer.errors import DeployerError, GuardRefusedError, UsageError
from deployer.model.counts import Edited, Scaled, scale_message
from deployer.source.commit import commit_edited, write_edited
from tests.source.conftest import GOOD, STACK

if TYPE_CHECKING:
    from pathlib import Path

    from tests.source.conftest import Repo

FILE = "stacks/web/compose.yaml"
EDIT = Edited(FILE, STACK.encode(), STACK.encode() + b"    scale: 5\n")
MESSAGE = scale_message([Scaled("web_web", 1, 5, FILE, 4)])


def test_only_the_file_is_committed_as_the_user(repo: Repo) -> None:
    before = repo.commit(GOOD)
    repo.write({"other": "staged", "cluster/cluster.yaml": "name: other\n"})
    repo.git("add", "other")
    (repo.path / FILE).chmod(0o640)
    after = commit_edited(repo.path, [EDIT], MESSAGE)
    assert repo.git("rev-parse", "HEAD", "HEAD~1").split() == [after, before]
    assert repo.git("diff", "--name-only", "HEAD~1", "HEAD") == FILE
    assert (
        repo.git("show", "--no-patch", "--format=%an <%ae> %B")
        == "Tester <tester@example.org> Scale web_web from 1 to 5"
    )
    assert repo.git("show", f"HEAD:{FILE}") == EDIT.new.decode().strip()
    assert repo.git("status", "--porcelain").splitlines() == ["M cluster/cluster.yaml", "A  other"]
    assert (repo.path / FILE).stat().st_mode & 0o777 == 0o640


def test_what_the_user_has_changed_already_is_refused(repo: Repo) -> None:
    repo.commit(GOOD)
    for stage in (False, True):
        repo.write({FILE: STACK + "# mine\n"})
        if stage:
            repo.git("add", FILE)
            repo.write({FILE: STACK})  # the working tree looks as it did, the index does not
        with pytest.raises(GuardRefusedError, match="has changes that are not committed"):
            commit_edited(repo.path, [EDIT], MESSAGE)
    assert (repo.path / FILE).read_text() == STACK
    repo.git("reset", "-q", "--hard")
    repo.git("update-index", "--assume-unchanged", FILE)
    repo.write({FILE: STACK + "# mine\n"})
    with pytest.raises(GuardRefusedError):
        commit_edited(repo.path, [EDIT], MESSAGE)


def test_where_git_refuses_the_files_are_as_they_were(repo: Repo) -> None:
    before = repo.commit(GOOD)
    hook = repo.path / ".git/hooks/pre-commit"
    hook.parent.mkdir(exist_ok=True)
    hook.write_text("#!/bin/sh\necho not today >&2\nexit 1\n")
    hook.chmod(0o755)
    with pytest.raises(DeployerError, match="git refuses: not today"):
        commit_edited(repo.path, [EDIT], MESSAGE)
    assert (repo.path / FILE).read_text() == STACK
    assert (repo.git("rev-parse", "HEAD"), repo.git("status", "--porcelain")) == (before, "")


def test_a_bare_repository_has_no_file_to_edit(repo: Repo, tmp_path: Path) -> None:
    repo.commit(GOOD)
    repo.git("clone", "-q", "--bare", ".", str(tmp_path / "bare.git"))
    with pytest.raises(UsageError, match="is a bare repository"):
        commit_edited(tmp_path / "bare.git", [EDIT], MESSAGE)


def test_of_several_the_message_lists_them() -> None:
    scaled = [Scaled("web_api", 1, 5, FILE, 4), Scaled("web_db", 3, 0, FILE, 9)]
    assert scale_message(scaled) == "Scale 2 services\n\nweb_api: 1 -> 5\nweb_db: 3 -> 0\n"


NEW = Edited("cluster/nodes/m2.yaml", None, b"address: 192.0.2.2\nswarm: worker\n")


def test_a_new_file_is_committed_with_the_edited_ones_and_nothing_else(repo: Repo) -> None:
    repo.commit(GOOD)
    repo.write({"cluster/nodes/m3.yaml": "half"})
    commit_edited(repo.path, [EDIT, NEW], "Two\n")
    assert repo.git("diff", "--name-only", "HEAD~1", "HEAD").split() == [NEW.path, FILE]
    assert repo.git("status", "--porcelain") == "?? cluster/nodes/m3.yaml"


def test_where_git_refuses_a_new_file_is_gone_again(repo: Repo) -> None:
    repo.commit(GOOD)
    hook = repo.path / ".git/hooks/pre-commit"
    hook.write_text("#!/bin/sh\necho no >&2\nexit 1\n", "utf-8")
    hook.chmod(0o755)
    with pytest.raises(DeployerError):
        commit_edited(repo.path, [NEW], "One\n")
    assert repo.git("status", "--porcelain") == ""


def test_a_new_file_never_takes_the_place_of_another(repo: Repo) -> None:
    repo.commit(GOOD)
    repo.write({NEW.path: "mine"})
    with pytest.raises(GuardRefusedError):
        commit_edited(repo.path, [NEW], "One\n")
    assert (repo.path / NEW.path).read_text() == "mine"


def test_files_alone_are_written_all_or_none(repo: Repo) -> None:
    repo.commit(GOOD)
    (repo.path / "file").touch()
    with pytest.raises(DeployerError, match="cannot be written"):
        write_edited(repo.path, [NEW, Edited("file/x", None, b"")])
    assert repo.git("status", "--porcelain") == "?? file"
    write_edited(repo.path, [NEW])
    assert (repo.path / NEW.path).stat().st_mode & 0o777 == 0o644
