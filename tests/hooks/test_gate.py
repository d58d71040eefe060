"""With a gate the branch moves when its deploy has succeeded, and not otherwise."""

from __future__ import annotations

import contextlib
import io
import os
import signal
import subprocess
from typing import TYPE_CHECKING

import pytest

from deployer.errors import DeployerError, UsageError
from deployer.hooks.install import install, uninstall
from deployer.hooks.pktline import read_section, write_section
from deployer.memory import history
from tests.hooks.conftest import PATIENCE, clone_of, plain, processes
from tests.processes import started
from tests.source.conftest import GOOD, Repo

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.hooks.conftest import Clone, Server


@pytest.fixture
def gated(live: Clone, server: Server) -> Iterator[Clone]:
    server.gate()
    yield live
    (server.path / "fake/hold").unlink(missing_ok=True)


def test_a_good_deploy_moves_the_branch(gated: Clone, server: Server) -> None:
    commit = gated.stack("nginx:2")
    done = gated.push("-o", "reason=because", "origin", "main")
    assert done.code == 0, done.said
    assert f"=====> Deployed {commit[:10]} in " in done
    assert done.said.count("=====>") == 1, "said once, by one hook"
    assert server.head == server.deployed == commit
    newest = history.entries(server.path)[0]
    assert (newest.commit, newest.result, newest.reason, newest.via) == (commit, "done", "because", "push")


def test_a_failed_deploy_refuses_the_push_with_its_reason_and_goes_back(gated: Clone, server: Server) -> None:
    before = server.head
    bad = gated.stack("nginx:bad")
    server.set("fail", bad)
    done = gated.push()
    assert done.code == 1
    reason = f"(deploy failed: web_web: image not found, rolled back to {before[:10]})"
    assert f"! [remote rejected] main -> main {reason}" in done, done.said
    assert "Refused: main stays where it is." in done
    assert server.head == server.deployed == before
    assert server.images == {"web_web": "nginx:latest"}
    back, failed, *_ = history.entries(server.path)
    assert (failed.commit, failed.result) == (bad, "failed")
    assert (back.commit, back.via, back.result) == (before, "rollback", "done")
    mended = gated.stack("nginx:3")
    assert gated.push().code == 0
    assert server.head == server.deployed == mended


def test_going_back_may_fail_too_and_is_said(gated: Clone, server: Server) -> None:
    before = server.head
    gated.stack("nginx:bad")
    server.set("fail")
    done = gated.push()
    assert f"deploy failed: web_web: image not found, and going back to {before[:10]} failed)" in done
    assert server.head == before
    assert "refs/deployer/test/unfinished" in server.git("for-each-ref")


def test_what_does_not_answer_refuses_the_push(gated: Clone, server: Server) -> None:
    before = server.head
    server.set("unreachable")
    gated.stack("nginx:2")
    done = gated.push()
    assert done.code == 1
    assert "! [remote rejected] main -> main (deploy failed: no machine answers)" in done
    assert server.head == before


def test_of_two_at_once_the_second_no_longer_follows(gated: Clone, server: Server, tmp_path: Path) -> None:
    other = clone_of(server, tmp_path / "other")
    other.git("reset", "-q", "--hard", "origin/main")
    first, second = gated.stack("nginx:2"), other.stack("nginx:3")
    hold = server.hold()
    with gated.pushing() as slow:
        server.until(lambda: f"begin {first}" in server.applied)
        with other.pushing() as late:
            server.until(lambda: len(list((server.path / "deployer/runs").glob("*.run"))) == 3)
            hold.unlink()
            said = plain(late.communicate(timeout=PATIENCE)[1])
        slow.communicate(timeout=PATIENCE)
    assert (slow.returncode, late.returncode) == (0, 1)
    assert f"(deploy failed: main was moved to {first[:10]} in the meantime)" in " ".join(said.split())
    assert f"begin {second}" not in server.applied
    assert server.head == server.deployed == first
    other.git("pull", "-q", "--rebase", "-X", "theirs", "origin", "main")
    assert other.push().code == 0
    assert server.images == {"web_web": "nginx:3"}


def test_a_branch_that_was_moved_by_hand_is_what_the_cluster_gets(gated: Clone, server: Server) -> None:
    """The one thing that the lock does not know of: the cluster ends as the branch says."""
    hold = server.hold()
    before = server.head
    commit = gated.stack("nginx:2")
    with gated.pushing() as process:
        server.until(lambda: f"begin {commit}" in server.applied)
        other = server.git("commit-tree", "-p", before, "-m", "by hand", f"{before}^{{tree}}")
        server.git("-c", "user.name=x", "-c", "user.email=x", "update-ref", "refs/heads/main", other)
        hold.unlink()
        said = plain(process.communicate(timeout=PATIENCE)[1])
    assert process.returncode == 1
    assert f"the branch was moved in the meantime, rolled back to {other[:10]}" in " ".join(said.split()), said
    assert (server.head, server.deployed) == (other, other)
    assert server.images == {"web_web": "nginx:latest"}


@pytest.mark.parametrize("end", [signal.SIGINT, signal.SIGKILL])
def test_the_branch_moves_also_when_the_pusher_has_gone(gated: Clone, server: Server, end: signal.Signals) -> None:
    hold = server.hold()
    commit = gated.stack("nginx:2")
    argv = ["git", "-C", str(gated.path), "push", "origin", "main"]
    with started(argv, stderr=subprocess.DEVNULL, start_new_session=True) as process:
        server.until(lambda: f"begin {commit}" in server.applied)
        os.killpg(process.pid, end)
        process.wait(timeout=PATIENCE)
    hold.unlink()
    server.until(lambda: server.head == commit)
    assert server.deployed == commit


@pytest.mark.usefixtures("private")  # what is killed leaves its folder
def test_a_machine_that_dies_in_the_middle_has_accepted_nothing(gated: Clone, server: Server) -> None:
    """All that the push has started is killed at once: hooks, git, the deploy. The next push finds nothing in its way."""
    before = server.head
    hold = server.hold()
    commit = gated.stack("nginx:2")
    with gated.pushing() as push:
        server.until(lambda: f"begin {commit}" in server.applied)
        for process in processes(server):
            with contextlib.suppress(ProcessLookupError):
                os.kill(process, signal.SIGKILL)
        push.communicate(timeout=PATIENCE)
    assert push.returncode != 0
    server.until(lambda: not processes(server))
    assert server.head == before
    hold.unlink()
    done = gated.push()
    assert done.code == 0, done.said
    assert server.head == server.deployed == commit
    assert server.images == {"web_web": "nginx:2"}


def test_the_same_commit_in_two_quarantines_is_deployed_once(gated: Clone, server: Server, tmp_path: Path) -> None:
    """Both pushes bring the same objects; each hook sees those of its own push only."""
    commit = gated.stack("nginx:2")
    other = clone_of(server, tmp_path / "other")
    other.git("fetch", "-q", str(gated.path), "main")
    other.git("reset", "-q", "--hard", commit)
    hold = server.hold()
    with gated.pushing() as first, other.pushing() as second:
        server.until(lambda: f"begin {commit}" in server.applied)
        server.until(lambda: len(list((server.path / "deployer/runs").glob("*.run"))) == 3)
        hold.unlink()
        for push in (first, second):
            push.communicate(timeout=PATIENCE)
    assert 0 in {first.returncode, second.returncode}
    assert server.head == server.deployed == commit
    assert server.applied.count(f"begin {commit}") == 1
    assert server.git("fsck", "--strict") == ""


def test_the_first_push_is_gated_too(clone: Clone, server: Server) -> None:
    server.gate()
    fail = server.set("fail")
    done = clone.push()
    assert done.code == 1
    assert "and there is no commit to go back to)" in done
    assert server.head == ""
    fail.unlink()
    assert clone.push().code == 0
    assert server.head == server.deployed == clone.git("rev-parse", "HEAD")


def test_what_is_not_deployed_falls_through_to_git(gated: Clone, server: Server) -> None:
    commit = gated.commit({"README": "words\n"})
    done = gated.push("origin", "main", "HEAD:refs/heads/feature", "HEAD:refs/tags/v1")
    assert done.code == 0, done.said
    assert "Nothing to deploy" in done
    assert server.head == server.deployed == server.git("rev-parse", "feature") == commit
    skipped = gated.stack("nginx:2")
    assert "was accepted and not deployed (-o skip)" in gated.push("-o", "skip", "origin", "main")
    assert (server.head, server.deployed) == (skipped, commit)


def test_only_and_deletes_and_forced_pushes(gated: Clone, server: Server) -> None:
    before = server.head
    assert "is not deleted" in gated.push("origin", ":main")
    gated.git("commit", "-q", "--amend", "-m", "another")
    assert "does not follow" in gated.push("--force", "origin", "main")
    gated.git("reset", "-q", "--hard", before)
    gated.stack("nginx:2")
    commit = gated.stack("redis:2", "db")
    done = gated.push("-o", "only=db", "origin", "main")
    assert f"=====> Deployed db of {commit[:10]} in " in done, done.said
    assert server.images == {"web_web": "nginx:latest", "db_db": "redis:2"}
    assert (server.head, server.deployed) == (commit, before)


def test_atomic_cannot_be_kept(gated: Clone, server: Server) -> None:
    before = server.head
    gated.stack("nginx:2")
    done = gated.push("--atomic", "origin", "main", "HEAD:refs/heads/feature")
    assert done.code == 1
    assert "--atomic cannot be kept where a deploy decides" in done
    assert server.git("for-each-ref", "refs/heads").count("\n") == 0
    assert server.head == before


def test_without_the_setting_that_calls_it_a_push_is_deployed_all_the_same(gated: Clone, server: Server) -> None:
    server.git("config", "--unset-all", "receive.procReceiveRefs")
    commit = gated.stack("nginx:2")
    assert f"=====> Deployed {commit[:10]} in " in gated.push()
    assert server.deployed == commit


def test_installed_and_taken_out(tmp_path: Path, server: Server) -> None:
    said: list[str] = []
    server.git("config", "--add", "receive.procReceiveRefs", "refs/for")
    config = server.git("config", "--local", "--list")
    install(server.path, said.append, server=True, gate="apply")
    install(server.path, said.append, server=True, gate="apply")
    assert server.git("config", "--get-all", "receive.procReceiveRefs").split() == ["refs/for", "refs/heads/main"]
    assert server.git("config", "deployer.gate") == "apply"
    install(server.path, said.append, server=True, gate="none")
    assert server.git("config", "--local", "--list") == config
    assert not (server.path / "hooks/proc-receive").exists()
    install(server.path, said.append, server=True, gate="apply")
    uninstall(server.path, said.append)
    assert server.git("config", "--get-all", "receive.procReceiveRefs") == "refs/for"
    (server.path / "hooks/proc-receive").write_text("#!/bin/sh\n")
    with pytest.raises(DeployerError, match="there can be one only"):
        install(server.path, said.append, server=True, gate="apply")
    plain_one = Repo(tmp_path / "plain")
    plain_one.path.mkdir()
    plain_one.git("init", "-q", "-b", "main")
    plain_one.commit(GOOD)
    with pytest.raises(UsageError, match="is checked out"):
        install(plain_one.path, said.append, server=True, gate="apply")


def test_packets() -> None:
    stream = io.BytesIO()
    write_section(stream, ["version=1\0push-options", "é"])
    assert stream.getvalue() == b"001bversion=1\0push-options\n0007\xc3\xa9\n0000"
    stream.seek(0)
    assert read_section(stream) == [b"version=1\0push-options", "é".encode()]


@pytest.mark.parametrize("data", [b"", b"00", b"zzzz", b"0003", b"0010abc", b"ffff", b"-001", b"0005a"])
def test_what_is_no_packet(data: bytes) -> None:
    with pytest.raises(DeployerError, match="a line that is none"):
        read_section(io.BytesIO(data))
