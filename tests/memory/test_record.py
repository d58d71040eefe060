"""What is kept of a run, in a real repository, and what git says of it."""

from __future__ import annotations

import json
import subprocess
from typing import TYPE_CHECKING

import pytest

from deployer.memory import deployed, history
from deployer.memory.asked import Asked, Move
from deployer.memory.record import Record
from deployer.memory.secrets import hide_secrets, known_secrets
from deployer.model.cluster import Cluster, ConsulSecrets
from deployer.model.desired import Desired
from deployer.model.run import Scope
from deployer.model.secret import Secret
from deployer.model.stack import StackObjects
from deployer.source import git
from tests.memory.conftest import plan_of, report_of

if TYPE_CHECKING:
    from pathlib import Path

    from tests.memory.conftest import Remembering


def test_a_run_is_a_commit_after_the_last_run_and_after_what_was_applied(remembering: Remembering) -> None:
    first, second, _ = remembering.commits
    assert remembering.ran(first)
    before = remembering.ref("history")
    assert remembering.ran(second, asked=Asked("push", "bob from 10.0.0.9", "more visitors"))
    tip = remembering.ref("history")
    git = remembering.repo.git
    assert git("rev-parse", f"{tip}^1", f"{tip}^2").split() == [before, second]
    assert git("ls-tree", "--name-only", tip).split() == ["plan.json", "plan.txt", "report.json", "report.txt"]
    assert json.loads(git("show", f"{tip}:report.json"))["ok"] is True
    assert git("log", "-1", "--format=%an <%ae>, %cn", tip) == "bob from 10.0.0.9 <deployer@localhost>, deployer"
    trailers = dict(
        line.split(": ", 1) for line in git("log", "-1", "--format=%(trailers:only)", tip).splitlines() if line
    )
    assert {key: trailers[key] for key in ("Via", "Commit", "Result", "Who", "Reason")} == {
        "Via": "push", "Commit": second, "Result": "done", "Who": "bob from 10.0.0.9", "Reason": "more visitors",
    }  # fmt: skip
    assert "+ web_1: create service, 1 replica: done in 0.1 s" in git("show", "-s", "--format=%B", tip)
    assert remembering.said == []


def test_along_first_parents_there_are_runs_only(remembering: Remembering) -> None:
    remembering.ran(remembering.commits[2])
    remembering.ran(remembering.commits[1])
    told = remembering.repo.git("log", "--first-parent", "--format=%s", "refs/deployer/test/history").splitlines()
    assert [line.split()[0] for line in told] == ["Deployed", "Deployed", "Runs"]
    assert len(history.entries(remembering.repo.path, 2)) == 2


def test_history_reads_what_was_written(remembering: Remembering) -> None:
    first, second, third = remembering.commits
    remembering.ran(first)
    remembering.ran(second, ok=False, asked=Asked("push", "bob", "why not"))
    remembering.ran(third, scope=Scope(("web",), (("web", first),)), asked=Asked("rollback", "ann"))
    last, failed, good = history.entries(remembering.repo.path)
    assert (good.commit, good.result, good.who, good.via, good.scope.whole) == (first, "done", "ann", "apply", True)
    assert (failed.commit, failed.result, failed.reason) == (second, "failed", "why not")
    assert failed.text == "0 done, 1 failed, 0 skipped"
    assert last.scope == Scope(("web",), (("web", first),))
    assert (last.stands("web"), last.stands("db")) == (first, "")
    assert "image not found" in history.read_kept(remembering.repo.path, failed, "report.txt")
    assert history.find(remembering.repo.path, "").run == last.run
    assert history.find(remembering.repo.path, failed.run).id == failed.id
    assert history.find(remembering.repo.path, failed.run[:15]).id == failed.id


def test_a_run_with_nothing_to_do_moves_deployed_and_is_no_entry(remembering: Remembering) -> None:
    remembering.ran(remembering.commits[0])
    remembering.ran(remembering.commits[1], steps=0)
    assert remembering.ref("deployed") == remembering.commits[1]
    assert len(history.entries(remembering.repo.path)) == 1
    before = remembering.repo.git("for-each-ref")
    remembering.ran(remembering.commits[1], steps=0)
    assert remembering.repo.git("for-each-ref") == before


@pytest.mark.parametrize(
    ("ok", "scope", "deployed_at", "unfinished_at"),
    [(True, Scope(), 1, None), (False, Scope(), 0, 1), (True, Scope(("web",)), 0, 1)],
    ids=["good", "failed", "only"],
)
def test_deployed_is_what_was_applied_as_a_whole(
    remembering: Remembering, *, ok: bool, scope: Scope, deployed_at: int, unfinished_at: int | None
) -> None:
    remembering.ran(remembering.commits[0])
    remembering.ran(remembering.commits[1], ok=ok, scope=scope)
    assert remembering.ref("deployed") == remembering.commits[deployed_at]
    assert remembering.ref("unfinished") == ("" if unfinished_at is None else remembering.commits[unfinished_at])
    found = deployed.find_same(git.find(remembering.repo.path), remembering.commits[1])
    assert (found is None) == (unfinished_at is not None)


def test_a_trial_is_no_commit_so_nothing_is_deployed(remembering: Remembering) -> None:
    remembering.ran(remembering.commits[0])
    remembering.ran("worktree")
    assert remembering.ref("deployed") == ""
    assert history.entries(remembering.repo.path)[0].commit == "worktree"


def test_a_trial_that_finds_nothing_to_do_changes_nothing(remembering: Remembering) -> None:
    remembering.ran(remembering.commits[0])
    before = remembering.repo.git("for-each-ref")
    remembering.ran("worktree", steps=0)
    assert remembering.repo.git("for-each-ref") == before


def test_what_was_withdrawn_leaves_no_trace(remembering: Remembering) -> None:
    remembering.ran(remembering.commits[0])
    for commit in (remembering.commits[1], "worktree"):
        before = remembering.repo.git("for-each-ref")
        record, plan = remembering.record(), plan_of(commit)
        record.begin(plan)
        assert remembering.repo.git("for-each-ref") != before
        record.withdraw(plan)
        assert remembering.repo.git("for-each-ref") == before


def test_a_ref_moves_with_a_good_run_in_one_step_and_not_with_another(remembering: Remembering) -> None:
    first, second, third = remembering.commits
    branch = "refs/heads/live"
    assert remembering.ran(first, move=Move(branch, first, ""))
    assert remembering.ran(second, ok=False, move=Move(branch, second, first))
    assert remembering.repo.git("rev-parse", branch) == first
    remembering.repo.git("update-ref", branch, third)
    assert not remembering.ran(second, move=Move(branch, second, first)), "somebody else has moved it"
    assert remembering.repo.git("rev-parse", branch) == third
    assert remembering.ref("deployed") == first


def test_runs_that_end_at_the_same_time_are_all_kept(remembering: Remembering) -> None:
    """As from two repositories with one set of refs: each reads the tip, another one moves it."""
    plan = plan_of(remembering.commits[0])
    records = [remembering.record() for _ in range(4)]
    for record in records:
        record.begin(plan)
    for record in records:
        assert record.end(report_of(plan))
    assert len(history.entries(remembering.repo.path)) == 4


def test_superseded_runs_are_kept(remembering: Remembering) -> None:
    remembering.record(Asked("push", "bob")).superseded(remembering.commits[0], "main is at 1a2b3c4d5e")
    (entry,) = history.entries(remembering.repo.path)
    assert (entry.result, entry.who, entry.text) == ("superseded", "bob", "main is at 1a2b3c4d5e")


def test_a_repository_that_cannot_be_written_is_said_and_fails_nothing(remembering: Remembering) -> None:
    """Root may write everything, so the folder of the refs is made a file."""
    (remembering.repo.path / ".git/refs/deployer").write_text("")
    assert remembering.ran(remembering.commits[0])
    assert any("this run is not remembered in the repository" in line for line in remembering.said)
    assert not remembering.ran(
        remembering.commits[0], move=Move("refs/heads/main", remembering.commits[0], remembering.commits[2])
    )


def test_a_folder_without_a_repository_has_no_memory(tmp_path: Path) -> None:
    said: list[str] = []
    record, plan = Record(tmp_path, "test", Asked(), said.append), plan_of("worktree")
    record.begin(plan)
    assert record.end(report_of(plan))
    assert said == []


def test_who_and_why_are_data(remembering: Remembering) -> None:
    evil = "x\n\nResult: done\x1b[31m <a@b>"
    remembering.ran(remembering.commits[0], ok=False, asked=Asked("push", evil, evil))
    (entry,) = history.entries(remembering.repo.path)
    assert entry.result == "failed"
    assert "\x1b" not in entry.who + entry.reason
    assert entry.reason.startswith(r"x\n\nResult: done\x1b[31m")
    assert "\x1b" not in remembering.repo.git("log", "--format=%B", entry.id)


def test_others_can_fetch_it_and_git_tells_it(remembering: Remembering, tmp_path: Path) -> None:
    remembering.ran(remembering.commits[0])
    remembering.ran(remembering.commits[2])
    other = tmp_path / "other"
    subprocess.run(["git", "clone", "-q", str(remembering.repo.path), str(other)], check=True)
    subprocess.run(["git", "-C", str(other), "fetch", "-q", "origin", "refs/deployer/*:refs/deployer/*"], check=True)
    assert [entry.commit for entry in history.entries(other)] == [remembering.commits[2], remembering.commits[0]]
    subprocess.run(["git", "-C", str(other), "config", "log.initialDecorationSet", "all"], check=True)
    log = ["git", "-C", str(other), "log", "--decorate=short", "--format=%D", "-1", "main"]
    told = subprocess.run(log, capture_output=True, text=True, check=True).stdout
    assert "refs/deployer/test/deployed" in told


def test_secrets_are_not_kept(remembering: Remembering) -> None:
    canary = "hunter2-and-more"
    plan = plan_of(remembering.commits[0])
    record = remembering.record(Asked("push", "bob", f"password {canary}"), None, (canary,))
    record.begin(plan)
    outcome = report_of(plan, ok=False)
    object.__setattr__(outcome.outcomes[1], "log", (f"cannot log in with {canary}",))
    record.end(outcome)
    (entry,) = history.entries(remembering.repo.path)
    everything = remembering.repo.git("show", "--format=%B", "-m", "-p", entry.id)
    assert "cannot log in with [secret]" in everything
    assert canary not in everything


def test_what_is_secret() -> None:
    stack = StackObjects(
        "web", (), ({"Name": "web_conf", "Data": Secret("Y29uZmlndXJlZA==")}, {"Name": "web_open", "Data": "cGxhaW4gdGV4dA=="}),
        ({"Name": "web_tls", "Data": "bGluZSBvbmUKbGluZSB0d28K"}, {"Name": "web_pw", "Data": Secret("c2VjcmV0dmFsdWU=")}),
        ({"Name": "web_web", "TaskTemplate": {"ContainerSpec": {"Env": [
            "DB_PASSWORD=correct horse", "COLOUR=turquoise", "DB_PASSWORD_FILE=/run/secrets/pw", "API_TOKEN=a",
            Secret("WORDS=opened from sops")]}}},),
    )  # fmt: skip
    cluster = Cluster("test", (), None, "", secrets=ConsulSecrets(Secret("consul-token-value")))
    known = known_secrets(Desired("worktree", cluster, ()), [stack])
    assert {
        "line one",
        "line two",
        "secretvalue",
        "correct horse",
        "consul-token-value",
        "opened from sops",
        "configured",
    } <= set(known)
    assert not {"turquoise", "plain text", "/run/secrets/pw", "a"} & set(known)
    said = hide_secrets('line one; {"a": "correct horse"} turquoise', known)
    assert said == '[secret]; {"a": "[secret]"} turquoise'
