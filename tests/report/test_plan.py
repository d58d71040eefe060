from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from deployer.diff.change import Blocked
from deployer.plan.steps import Plan
from deployer.plan.text import plan_text
from deployer.report.plan import exit_code, paint_plan

if TYPE_CHECKING:
    from deployer.report.paint import Paint


def test_without_colour_it_is_the_plan_as_everybody_knows_it(plan: Plan, plain: Paint) -> None:
    assert paint_plan(plan, plain) == plan_text(plan)


def test_each_line_has_the_colour_of_its_mark(plan: Plan, colours: Paint) -> None:
    lines = paint_plan(plan, colours).splitlines()
    codes = {line[:5] for line in lines if "#3" in line}, {line[:5] for line in lines if "#4" in line}
    assert codes == ({"\x1b[32m"}, {"\x1b[33m"})
    assert lines[0].startswith("\x1b[1mPlan for sandbox")
    assert lines[-1].startswith("\x1b[1mPlan: 3 to add, 1 to change")
    assert next(line for line in lines if "slave2" in line).startswith("\x1b[31m! ")


@pytest.mark.parametrize(
    ("steps", "blocked", "detailed", "code"),
    [
        (0, 0, False, 0),
        (0, 0, True, 0),
        (5, 0, False, 0),
        (5, 0, True, 2),
        (5, 1, True, 1),
        (5, 1, False, 1),
        (0, 1, True, 6),
        (0, 2, False, 1),
    ],
)
def test_exit_codes(plan: Plan, steps: int, blocked: int, detailed: bool, code: int) -> None:  # noqa: FBT001 - a table's columns
    obstacles = (*plan.blocked, Blocked("master", "its system is unknown"))
    part = Plan("c", "worktree", plan.steps[:steps], obstacles[:blocked])
    assert exit_code(part, detailed=detailed) == code
