from __future__ import annotations

import json
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest

from deployer.diff.change import Blocked
from deployer.errors import InvalidFilesError
from deployer.execute.broken import BrokenOffError
from deployer.model.problem import Problem
from deployer.plan.outcome import Done, Failed, Report
from deployer.plan.steps import Plan

if TYPE_CHECKING:
    from pathlib import Path

TYPO = Problem("cluster/cluster.yaml", 2, 1, "unknown key 'nam'", "did you mean 'name'?", source="nam: x", width=3)


def test_validate_counts_what_is_valid(cli: Any) -> None:
    assert cli("validate") == (0, "1a2b3c4d5e is valid: 0 machines, 0 stacks, 1 service\n", "asking 0 machines\n")


def test_validate_shows_warnings_before_the_sum(cli: Any, workflow: Any) -> None:
    workflow.validated = replace(workflow.validated, warnings=(replace(TYPO, severity="warning"),))
    lines = cli("validate", "-q").out.splitlines()
    assert lines[0] == "cluster/cluster.yaml:2:1: warning: unknown key 'nam'"
    assert lines[-3:] == ["1 warning in 1 file", "", "1a2b3c4d5e is valid: 0 machines, 0 stacks, 1 service"]


@pytest.mark.parametrize("command", ["validate", "plan", "apply"])
def test_strict_reaches_the_workflow(cli: Any, workflow: Any, command: str) -> None:
    cli(command, "--strict")
    assert workflow.asked[-1].strict
    cli(command)
    assert not workflow.asked[-1].strict


def test_validate_lists_problems_as_its_result(cli: Any, workflow: Any) -> None:
    workflow.validated = InvalidFilesError([TYPO])
    code, out, err = cli("validate")
    assert (code, out.splitlines()[0]) == (3, "cluster/cluster.yaml:2:1: error: unknown key 'nam'")
    assert out.splitlines()[-1] == "1 error in 1 file"
    assert err == "asking 0 machines\n"


def test_validate_for_github(cli: Any, workflow: Any) -> None:
    workflow.validated = InvalidFilesError([TYPO])
    assert cli("validate", "--format", "github").out.startswith("::error file=cluster/cluster.yaml,line=2,col=1,")


@pytest.mark.parametrize("flags", [["--json"], ["--format", "json"], ["--format=json"]])
def test_validate_as_json(cli: Any, workflow: Any, flags: list[str]) -> None:
    good = json.loads(cli("validate", *flags).out)
    assert (good["valid"], good["services"]) == (True, 1)
    workflow.validated = InvalidFilesError([TYPO])
    code, out, _ = cli("validate", *flags)
    assert (code, json.loads(out)["valid"], json.loads(out)["error_count"]) == (3, False, 1)


def test_plan_is_a_result_and_progress_is_not(cli: Any) -> None:
    code, out, err = cli("plan")
    assert code == 0
    assert out.startswith("Plan for sandbox at 1a2b3c4d5e\n\n+ #1 web_default: create network (not found)\n")
    assert err == "asking 0 machines\n"


@pytest.mark.parametrize(("plan", "code"), [("full", 2), ("empty", 0), ("blocked", 6)])
def test_detailed_exit_codes(cli: Any, workflow: Any, plan: str, code: int) -> None:
    blocked = (Blocked("master", "no answer", unreachable=True),)
    workflow.plan = {
        "full": workflow.plan, "empty": Plan("c", "worktree", ()), "blocked": Plan("c", "worktree", (), blocked),
    }[plan]  # fmt: skip
    assert cli("plan", "--detailed-exitcode").code == code


def test_apply_shows_the_plan_first_then_each_event_then_the_sum(cli: Any, workflow: Any) -> None:
    code, out, err = cli("apply")
    assert (code, out) == (0, "Applied 1a2b3c4d5e in 1.5 s: 1 done, 0 failed, 0 skipped\n")
    assert err == (
        "asking 0 machines\n"
        "Plan for sandbox at 1a2b3c4d5e\n\n+ #1 web_default: create network (not found)\n\n"
        "Plan: 1 to add, 0 to change, 0 to remove (4 unchanged).\n\n"
        "web_default | create network ...\n"
        "web_default | create network: done in 0.2 s\n"
    )
    assert workflow.asked[0] == 0


def test_apply_quietly_says_only_what_it_came_to(cli: Any) -> None:
    assert cli("apply", "-q") == (0, "Applied 1a2b3c4d5e in 1.5 s: 1 done, 0 failed, 0 skipped\n", "")


def test_apply_as_json_is_one_document_and_its_progress_has_no_plan(cli: Any) -> None:
    code, out, err = cli("apply", "--json")
    assert (code, json.loads(out)["summary"]["done"]) == (0, 1)
    assert "Plan" not in err


def test_apply_with_json_progress_is_json_on_both_streams(cli: Any) -> None:
    _, out, err = cli("apply", "--json", "--progress", "json")
    assert json.loads(out)["type"] == "report"
    types = [json.loads(line)["type"] for line in err.splitlines()]
    assert types == [
        "version",
        "log",
        "planned_change",
        "change_summary",
        "apply_start",
        "apply_complete",
        "change_summary",
    ]


def test_apply_ends_with_the_reports_exit_code(cli: Any, workflow: Any) -> None:
    workflow.report = Report(workflow.plan, {1: Failed(0.1, "pool overlaps")}, 1.0)
    code, out, _ = cli("apply")
    assert code == 1
    assert "failed   #1     web_default   create network   pool overlaps\n" in out
    workflow.report = Report(workflow.plan, {}, 1.0, "interrupted")
    assert cli("apply").code == 130


def test_a_bug_in_the_middle_of_an_apply_does_not_hide_what_was_done(cli: Any, workflow: Any) -> None:
    broken = BrokenOffError(Report(workflow.plan, {1: Done(0.25)}, 1.0))
    broken.__cause__ = ZeroDivisionError("division by zero")
    workflow.report = broken
    code, out, err = cli("apply")
    assert code == 70
    assert "1 done" in out
    assert "internal error: ZeroDivisionError" in err
    assert "Traceback" not in out + err


@pytest.mark.parametrize(
    ("text", "seconds"), [("90", 90), ("90s", 90), ("5m", 300), ("1h", 3600), ("0", 0), ("1.5s", 1.5)]
)
def test_apply_waits_for_the_lock_as_long_as_it_is_told(cli: Any, workflow: Any, text: str, seconds: float) -> None:
    assert cli("apply", "--lock-wait", text).code == 0
    assert workflow.asked[0] == seconds


@pytest.mark.parametrize("text", ["", "x", "-5", "5 minutes", "1e3", "inf", "nan", "٣m"])
def test_a_duration_that_is_none_is_wrong_usage(cli: Any, workflow: Any, text: str) -> None:
    code, _, err = cli("apply", f"--lock-wait={text}")
    assert code == 2
    assert "is no duration such as 90s, 5m or 1h" in err
    assert workflow.asked == []


def test_status_is_a_sentence_where_there_is_nothing(cli: Any) -> None:
    assert cli("status", "-q") == (0, "sandbox at 1a2b3c4d5e: 0 machines and 0 stacks, all as git says\n", "")
    assert json.loads(cli("status", "--json").out)["well"] is True


def test_the_repository_is_the_one_around_the_current_directory(
    cli: Any, workflow: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "repo" / ".git").mkdir(parents=True)
    below = tmp_path / "repo" / "stacks" / "web"
    below.mkdir(parents=True)
    monkeypatch.chdir(below)
    cli("plan")
    assert (workflow.asked[-1].repo, workflow.asked[-1].rev, workflow.asked[-1].worktree) == (
        tmp_path / "repo",
        "HEAD",
        False,
    )
    cli("plan", "--repo", "..", "--rev", "v1")
    assert (str(workflow.asked[-1].repo), workflow.asked[-1].rev) == ("..", "v1")
    cli("plan", "--worktree")
    assert workflow.asked[-1].worktree is True


def test_in_no_work_tree_it_is_the_current_directory(
    cli: Any, workflow: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    cli("plan")
    assert workflow.asked[-1].repo == tmp_path


@pytest.mark.parametrize(
    ("arguments", "environment", "coloured"),
    [
        ([], {}, False),
        (["--color", "always"], {}, True),
        (["--color", "always"], {"NO_COLOR": "1"}, True),
        ([], {"DEPLOYER_COLOR": "always"}, True),
        (["--color", "never"], {"DEPLOYER_COLOR": "always"}, False),
        ([], {"FORCE_COLOR": "1"}, True),
        ([], {"FORCE_COLOR": "1", "NO_COLOR": "1"}, False),
    ],
)
def test_colour(
    cli: Any, monkeypatch: pytest.MonkeyPatch, arguments: list[str], environment: dict[str, str], *, coloured: bool
) -> None:
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    assert ("\x1b[" in cli("plan", *arguments).out) is coloured
