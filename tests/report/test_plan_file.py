"""Saved plans in files: private, whole or refused, and without what is secret."""

from __future__ import annotations

import json
import stat
from typing import TYPE_CHECKING, Any

import pytest

from deployer.errors import DeployerError, UsageError
from deployer.model.consent import Consent
from deployer.plan.saved import list_moves
from deployer.plan.steps import Plan, Step
from deployer.report.plan_file import read_plan, write_plan
from tests.plan.test_saved import SECRET, UPDATE, plan
from tests.report.schemas import check

if TYPE_CHECKING:
    from pathlib import Path


def test_there_and_back(tmp_path: Path) -> None:
    file = tmp_path / "next.plan"
    file.write_text("an older one")
    file.chmod(0o644)
    made = plan(SECRET, UPDATE)
    write_plan(file, made, "main", Consent(frozenset({"web", "db"}), "abc"))
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert [path.name for path in tmp_path.iterdir()] == ["next.plan"]
    assert "aHVudGVyMg" not in file.read_text()
    check("saved_plan", json.loads(file.read_text()))
    kept = read_plan(file)
    assert (kept.rev, kept.commit, kept.only) == ("main", made.commit, ())
    assert kept.consent(Consent(frozenset({"shop"}))) == Consent(frozenset({"web", "db", "shop"}), "abc")
    assert list_moves(kept, made) == []


def test_it_shows_the_plan_that_it_is_of(tmp_path: Path, plan: Plan) -> None:
    write_plan(tmp_path / "p", plan, "HEAD")
    assert "hunter2" not in (tmp_path / "p").read_text()
    assert len(json.loads((tmp_path / "p").read_text())["plan"]["steps"]) == len(plan.steps)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda text: text[: len(text) // 2], "is no saved plan, or not all of one"),
        (lambda _: "", "is no saved plan, or not all of one"),
        (lambda _: "\x00\xff", "is no saved plan, or not all of one"),
        (lambda _: "[1]", "is no saved plan, or not all of one"),
        (lambda _: '{"type": "plan", "format_version": "1.0"}', "is no saved plan, or not all of one"),
        (lambda text: text.replace('"1.0"', '"2.0"', 1), "is a plan of format 2.0; this deployer reads 1.0"),
        (lambda text: text.replace('"commit"', '"comit"', 1), "is no plan that deployer wrote"),
        (lambda text: text.replace('"salt": "', '"salt": 5, "x": "'), "is no plan that deployer wrote"),
    ],
)  # fmt: skip
def test_what_is_no_plan_is_refused(tmp_path: Path, change: Any, said: str) -> None:
    file = tmp_path / "p"
    write_plan(file, Plan("c", "0" * 40, (Step(1, UPDATE, None),)), "main")
    file.write_text(change(file.read_text()))
    with pytest.raises(UsageError, match=said) as caught:
        read_plan(file)
    assert "\n" not in str(caught.value)


def test_what_is_not_there_or_cannot_be_written(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="cannot be read: No such file"):
        read_plan(tmp_path / "nothing")
    with pytest.raises(DeployerError, match=r"cannot be written to .*: No such file"):
        write_plan(tmp_path / "no" / "p", Plan("c", "0" * 40, ()), "main")
