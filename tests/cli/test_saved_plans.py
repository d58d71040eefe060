"""`plan --out` and `apply FILE`, with a workflow that returns what the test says."""

from __future__ import annotations

import subprocess
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest

from deployer.errors import BusyError
from deployer.plan.outcome import Done, Report
from deployer.plan.steps import Step
from tests.cli.conftest import PLAN
from tests.plan.test_saved import UPDATE

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    git(tmp_path, "init", "--quiet", "--initial-branch=main")
    git(tmp_path, "commit", "--quiet", "--allow-empty", "--message=one")
    return tmp_path


def git(folder: Path, *args: str) -> str:
    who = ("-c", "user.name=t", "-c", "user.email=t@localhost")
    return subprocess.run(["git", *who, *args], cwd=folder, check=True, capture_output=True, text=True).stdout.strip()


def planned(cli: Any, workflow: Any, repository: Path) -> Path:
    workflow.plan = replace(PLAN, commit=git(repository, "rev-parse", "HEAD"))
    done = cli("plan", "--repo", str(repository), "--out", str(repository / "p"))
    assert done.code == 0
    return repository / "p"


def test_it_is_applied_as_it_was_shown(cli: Any, workflow: Any, repository: Path) -> None:
    file = planned(cli, workflow, repository)
    workflow.report = Report(workflow.plan, {1: Done(0.1)})
    assert cli("apply", str(file), "--repo", str(repository)).code == 0
    assert workflow.asked[-1].rev == git(repository, "rev-parse", "HEAD")


def test_not_after_another_commit(cli: Any, workflow: Any, repository: Path) -> None:
    file = planned(cli, workflow, repository)
    git(repository, "commit", "--quiet", "--allow-empty", "--message=two")
    done = cli("apply", str(file), "--repo", str(repository))
    assert done.code == BusyError.exit_code
    assert "the plan is stale: HEAD is" in done.err


def test_not_when_the_cluster_has_moved(cli: Any, workflow: Any, repository: Path) -> None:
    file = planned(cli, workflow, repository)
    workflow.report = Report(replace(workflow.plan, steps=(*PLAN.steps, Step(2, UPDATE, None))))
    done = cli("apply", str(file), "--repo", str(repository))
    assert done.code == BusyError.exit_code
    assert "the cluster has moved: s_web: update service, 3 replicas: to be done as well" in done.err


@pytest.mark.parametrize("more", [("--rev", "main"), ("--worktree",), ("--only", "web")])
def test_nothing_else_may_be_asked_for(cli: Any, workflow: Any, repository: Path, more: tuple[str, ...]) -> None:
    file = planned(cli, workflow, repository)
    done = cli("apply", str(file), "--repo", str(repository), *more)
    assert (done.code, "a saved plan says itself what it is of" in done.err) == (2, True)


def test_a_plan_of_the_working_tree_has_no_commit(cli: Any, repository: Path) -> None:
    done = cli("plan", "--repo", str(repository), "--worktree", "--out", str(repository / "p"))
    assert (done.code, "cannot be saved" in done.err) == (2, True)
