"""What a push deploys, refuses and says."""

from __future__ import annotations

import os
import signal
import subprocess
from contextlib import ExitStack
from typing import TYPE_CHECKING

import pytest

from deployer.cli.app import app
from deployer.cli.errors import run
from deployer.memory import history
from tests.hooks.conftest import PATIENCE, clone_of, plain
from tests.processes import started

if TYPE_CHECKING:
    from pathlib import Path

    from tests.hooks.conftest import Clone, Server


def test_a_push_deploys_and_says_so(clone: Clone, server: Server) -> None:
    commit = clone.git("rev-parse", "HEAD")
    done = clone.push()
    assert done.code == 0
    for words in (
        f"-----> main: new..{commit[:10]}",
        "-----> Validated 1 stack, 1 machine",
        "-----> Plan: 1 to add, 0 to change, 0 to remove",
        "+ #1 web_web: create service, 1 replica (not found)",
        "web_web: create service, 1 replica: done in 0.1 s",
        "done stack web 1",
        f"=====> Deployed {commit[:10]} in ",
    ):
        assert words in done, done.said
    assert server.applied == [f"begin {commit}", f"end {commit}"]
    assert server.deployed == server.head == commit
    assert server.git("for-each-ref", "--format=%(refname)", "refs/deployer").splitlines() == [
        "refs/deployer/test/deployed",
        "refs/deployer/test/history",
    ]


def test_lines_are_short_enough_to_stand_behind_remote(clone: Clone, server: Server) -> None:
    clone.commit({f"stacks/{'long' * 12}/compose.yaml": "services:\n  web:\n    image: nginx:1.27\n"})
    server.set("fail")
    with clone.pushing() as process:
        _, err = process.communicate(timeout=PATIENCE)
    ours = [line.removeprefix("remote: ").rstrip() for line in err.splitlines() if line.startswith("remote: ")]
    assert len(ours) > 8
    assert [line for line in ours if len(line) > 71 and str(server.path) not in line] == []
    assert all(line.startswith(("-----> ", "=====> ", " !     ", "       ")) for line in ours), ours


def test_the_log_of_a_run_has_what_the_pusher_saw(clone: Clone, server: Server) -> None:
    done = clone.push("-o", "reason=because", "origin", "main")
    (log,) = (server.path / "deployer/runs").glob("*.log")
    assert log.stat().st_mode & 0o777 == 0o600
    assert "reason: because" in log.read_text()
    for line in log.read_text().splitlines():
        assert line.rstrip() in done.said


def test_a_typo_is_refused_with_its_line_and_nothing_moves(live: Clone, server: Server) -> None:
    before = server.head, server.deployed, server.applied
    live.commit({"stacks/web/compose.yaml": "services:\n  web:\n    imag: nginx\n"})
    done = live.push()
    assert done.code == 1
    assert "stacks/web/compose.yaml:3:5: error: unknown key 'imag' in services.web" in done.said
    assert "did you mean 'image'?" in done
    assert "Refused: nothing of this push was accepted." in done
    assert (server.head, server.deployed, server.applied) == before


def test_the_lines_are_those_of_validate(live: Clone, capsys: pytest.CaptureFixture[str]) -> None:
    live.commit(
        {"stacks/web/compose.yaml": "services:\n  web:\n    imag: nginx\n", "cluster/nodes/m1.yaml": "swarm: x\n"}
    )
    assert run(app, ["validate", "--repo", str(live.path)]) == 3
    lines = capsys.readouterr().out
    assert lines.count(": error: ") == 2
    assert lines in live.push().said


def test_no_changed_file_is_no_deploy(live: Clone, server: Server) -> None:
    applied = server.applied
    commit = live.commit({"README": "words\n"})
    done = live.push()
    assert done.code == 0
    assert "=====> Nothing to deploy" in done
    assert server.applied == applied
    assert server.deployed == commit


def test_a_failed_deploy_is_said_loudly_and_not_forgotten(live: Clone, server: Server) -> None:
    before = server.deployed
    fail = server.set("fail")
    commit = live.stack("nginx:2")
    done = live.push()
    assert done.code == 0, "git cannot be told any more"
    assert f"NOT DEPLOYED: main is at {commit[:10]}, the cluster is not" in done
    assert "image not found" in done
    assert "pull access denied" in done
    assert f"log: {server.path}/deployer/runs/" in done
    assert server.deployed == before
    fail.unlink()
    # Going back to the files of what is deployed is no "nothing to do": the failed one may have done half of its work.
    live.git("revert", "--no-edit", "HEAD")
    back = live.push()
    assert "Nothing to deploy" not in back
    assert server.deployed == server.head == live.git("rev-parse", "HEAD")
    assert "refs/deployer/test/unfinished" not in server.git("for-each-ref")


def test_machines_that_do_not_answer_refuse_no_push(live: Clone, server: Server) -> None:
    server.set("unreachable")
    live.stack("nginx:2")
    done = live.push()
    assert done.code == 0
    assert "The plan cannot be shown: no machine answers" in done
    assert "NOT DEPLOYED" in done


def test_other_branches_and_tags_are_checked_and_not_deployed(live: Clone, server: Server) -> None:
    applied = server.applied
    live.stack("nginx:2")
    done = live.push("origin", "HEAD:refs/heads/feature", "HEAD:refs/tags/v1", "HEAD:refs/notes/n")
    assert done.code == 0
    assert "feature: checked, not deployed: main is the branch that is" in done
    assert "v1: a tag deploys nothing" in done
    assert "n: a note deploys nothing" in done
    assert server.applied == applied
    live.commit({"stacks/web/compose.yaml": "services:\n  web:\n    imag: nginx\n"})
    bad = live.push("origin", "HEAD:refs/heads/other")
    assert bad.code == 1
    assert "unknown key 'imag'" in bad


def test_a_branch_without_our_files_is_none_of_our_business(live: Clone) -> None:
    live.git("checkout", "-q", "--orphan", "pages")
    live.git("rm", "-rfq", ".")
    live.commit({"index.html": "x\n"})
    assert live.push("origin", "pages").code == 0


def test_the_deploy_branch_is_configured(live: Clone, server: Server) -> None:
    server.git("config", "deployer.branch", "live")
    commit = live.stack("nginx:2")
    assert "main: checked, not deployed: live is the branch that is" in live.push()
    assert "=====> Deployed" in live.push("origin", "HEAD:refs/heads/live")
    assert server.deployed == commit


def test_deletes_and_rewritten_history_are_refused(live: Clone, server: Server) -> None:
    before = server.head
    gone = live.push("origin", ":main")
    assert gone.code == 1
    assert "main is the branch that is deployed, and is not deleted" in gone
    live.git("commit", "-q", "--amend", "-m", "another")
    forced = live.push("--force", "origin", "main")
    assert forced.code == 1
    assert "does not follow" in forced
    assert server.head == before


def test_one_bad_ref_refuses_all(live: Clone, server: Server) -> None:
    good = live.stack("nginx:2")
    live.commit({"stacks/web/compose.yaml": "services:\n  web:\n    imag: nginx\n"})
    done = live.push("origin", f"{good}:refs/heads/main", "HEAD:refs/heads/other")
    assert done.code == 1
    assert server.head != good


def test_plan_accepts_nothing(live: Clone, server: Server) -> None:
    before = server.head
    live.stack("nginx:2")
    done = live.push("-o", "plan", "origin", "main")
    assert done.code == 1
    assert "-----> Plan: 1 to add" in done
    assert "Only the plan was asked for (-o plan): nothing was accepted." in done
    assert server.head == before


def test_skip_accepts_and_deploys_nothing(live: Clone, server: Server) -> None:
    before = server.deployed
    commit = live.stack("nginx:2")
    done = live.push("-o", "skip", "origin", "main")
    assert done.code == 0
    assert "was accepted and not deployed (-o skip)" in done
    assert (server.head, server.deployed) == (commit, before)


@pytest.mark.parametrize(
    ("option", "words"),
    [
        ("skp", "there is no push option 'skp' did you mean 'skip'?"),
        ("wat=5m", "there is no push option 'wat=5m' did you mean 'wait='?"),
        ("only=-x", "-o only: '-x' is no stack's name"),
        ("only=wbe", "there is no stack 'wbe' did you mean 'web'?"),
        ("allow-delet=web", "there is no push option 'allow-delet=web' did you mean 'allow-delete='?"),
        ("allow-delete=-x", "-o allow-delete: '-x' is no name"),
        ("replaces=main", "-o replaces: 'main' is no commit's id"),
        ("wait=soon", "-o wait: 'soon' is no duration"),
        ("$(touch /tmp/pwned)", "there is no push option '$(touch /tmp/pwned)'"),
        ("x\x1b[31m", r"there is no push option 'x\x1b[31m'"),
        ("reason=" + "x" * 201, "the reason is longer than 200 characters"),
    ],
)
def test_push_options_that_there_are_not(live: Clone, server: Server, option: str, words: str) -> None:
    before = server.head
    live.commit({"README": "words\n"})
    done = live.push("-o", option, "origin", "main")
    assert done.code == 1
    assert words in done, done.said
    assert server.head == before


def test_a_push_waits_for_another_and_gives_up_loudly(live: Clone, server: Server, tmp_path: Path) -> None:
    hold = server.hold()
    first = live.stack("nginx:2")
    with live.pushing() as slow:
        server.until(lambda: f"begin {first}" in server.applied)
        other = clone_of(server, tmp_path / "other")
        other.git("reset", "-q", "--hard", "origin/main")
        other.stack("nginx:3")
        impatient = other.push("-o", "wait=0", "origin", "main")
        hold.unlink()
        slow.communicate(timeout=PATIENCE)
    assert "is being applied by" in impatient
    assert "NOT DEPLOYED" in impatient


def test_of_those_that_wait_the_newest_is_deployed(live: Clone, server: Server) -> None:
    hold = server.hold()
    commits, pushes = [], []
    with ExitStack() as started_ones:
        for number in range(4):
            commits.append(live.stack(f"nginx:{number}"))
            pushes.append(started_ones.enter_context(live.pushing()))
            server.until(lambda: server.head == commits[-1])
            if number == 0:
                server.until(lambda: f"begin {commits[0]}" in server.applied)
        hold.unlink()
        said = [plain(push.communicate(timeout=PATIENCE)[1]) for push in pushes]
    assert [line for line in server.applied[2:] if line.startswith("end")] == [f"end {commits[0]}", f"end {commits[3]}"]
    assert "=====> Deployed" in said[0]
    assert "=====> Deployed" in said[3]
    for number, superseded in enumerate(said[1:3], 1):
        later = [f"Superseded: main is at {commit[:10]} by now" for commit in commits[number + 1 :]]
        assert any(words in " ".join(superseded.split()) for words in later), superseded
    kept = {entry.commit: entry.result for entry in history.entries(server.path)[:4]}
    assert [kept[commit] for commit in commits] == ["done", "superseded", "superseded", "done"]
    assert server.deployed == commits[3]
    assert server.images == {"web_web": "nginx:3"}


def test_two_clones_at_once_end_at_the_last_accepted_commit(live: Clone, server: Server, tmp_path: Path) -> None:
    clones = [live, clone_of(server, tmp_path / "second")]
    clones[1].git("reset", "-q", "--hard", "origin/main")
    pushes = []
    with ExitStack() as started_ones:
        for number, clone in enumerate(clones):
            clone.stack(f"nginx:{number}", name=f"app{number}")
            pushes.append(started_ones.enter_context(clone.pushing()))
        for push in pushes:
            push.communicate(timeout=PATIENCE)
    codes = [push.returncode for push in pushes]
    assert sorted(codes) == [0, 1], "one of the two comes second, and is not a fast-forward"
    late = clones[codes.index(1)]
    late.git("pull", "-q", "--rebase", "origin", "main")
    assert late.push().code == 0
    assert server.deployed == server.head
    assert server.images == {"web_web": "nginx:latest", "app0_app0": "nginx:0", "app1_app1": "nginx:1"}
    assert [line.split()[0] for line in server.applied] == ["begin", "end"] * (len(server.applied) // 2), (
        "one after the other"
    )


@pytest.mark.parametrize("end", [signal.SIGINT, signal.SIGHUP, signal.SIGKILL])
def test_the_deploy_outlives_the_pusher(live: Clone, server: Server, end: signal.Signals) -> None:
    """The whole process group, as a terminal does it: git, receive-pack and the hook that follows."""
    hold = server.hold()
    commit = live.stack("nginx:2")
    argv = ["git", "-C", str(live.path), "push", "origin", "main"]
    with started(argv, stderr=subprocess.DEVNULL, start_new_session=True) as process:
        server.until(lambda: f"begin {commit}" in server.applied)
        os.killpg(process.pid, end)
        process.wait(timeout=PATIENCE)
    hold.unlink()
    server.until(lambda: server.deployed == commit)
    (*_, log) = sorted((server.path / "deployer/runs").glob("*.log"))
    server.until(lambda: f"=====> Deployed {commit[:10]}" in log.read_text())


def test_a_pusher_that_stands_still_holds_nothing_up(live: Clone, server: Server) -> None:
    hold = server.hold()
    commit = live.stack("nginx:2")
    with live.pushing() as process:
        server.until(lambda: f"begin {commit}" in server.applied)
        process.send_signal(signal.SIGSTOP)
        hold.unlink()
        server.until(lambda: server.deployed == commit)
        process.send_signal(signal.SIGCONT)
        process.communicate(timeout=PATIENCE)


def test_only_deploys_these_stacks_and_everything_else_later(live: Clone, server: Server) -> None:
    before = server.deployed
    live.stack("nginx:2")
    commit = live.stack("redis:2", "db")
    done = live.push("-o", "only=db", "-o", "reason=first of two", "origin", "main")
    assert f"=====> Deployed db of {commit[:10]} in " in done, done.said
    assert server.images == {"web_web": "nginx:latest", "db_db": "redis:2"}
    assert server.deployed == before, "not everything is as the commit says"
    later = live.commit({"README": "words\n"})
    assert f"=====> Deployed {later[:10]} in " in live.push()
    assert server.images == {"web_web": "nginx:2", "db_db": "redis:2"}
    whole, part, _ = history.entries(server.path)
    assert (part.scope.only, part.reason, part.commit) == (("db",), "first of two", commit)
    assert (whole.commit, server.deployed) == (later, later)


def test_every_push_is_kept_with_who_and_why_and_what_became_of_it(live: Clone, server: Server) -> None:
    good = live.stack("nginx:2")
    live.push("-o", "reason=because", "origin", "main", SSH_CONNECTION="10.0.0.9 1 10.0.0.1 22")
    server.set("fail")
    bad = live.stack("nginx:3")
    live.push()
    failed, done, first = history.entries(server.path)
    assert (done.commit, done.result, done.via, done.reason) == (good, "done", "push", "because")
    assert done.who.endswith(" from 10.0.0.9")
    assert (failed.commit, failed.result) == (bad, "failed")
    assert first.result == "done"
    assert "pull access denied" in history.read_kept(server.path, failed, "report.txt")
    assert {path.stem for path in (server.path / "deployer/runs").iterdir()} == {
        one.run for one in (failed, done, first)
    }
