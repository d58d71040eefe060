"""`deployer apply PLAN`: a saved plan is done as it was shown, or not at all."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from deployer.errors import BusyError, UsageError
from deployer.startup import defer_imports

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from deployer.plan.saved import SavedPlan
    from deployer.plan.steps import Plan
    from deployer.workflow.validate import Source

with defer_imports():
    from deployer import source
    from deployer.plan import saved
    from deployer.report import plan_file


AGAIN = "make the plan again, and look at it: deployer plan --out FILE"


def open_plan(file: Path, where: Source, *, chosen: bool) -> tuple[SavedPlan, Source]:
    """Return the plan, and its commit as what to read. `chosen`: the command line names another revision, or stacks.

    UsageError if the file is no plan, or more is asked for; BusyError if the revision that the plan was made of is another commit by
    now.
    """
    if chosen or where.worktree:
        raise UsageError("a saved plan says itself what it is of", help="leave out --rev, --worktree and --only")
    kept = plan_file.read_plan(file)
    now = source.revision(where.repo, kept.rev)
    if now != kept.commit:
        raise BusyError(
            f"the plan is stale: {kept.rev} is {now[:10]} by now, and the plan is of {kept.commit[:10]}", help=AGAIN
        )
    return kept, replace(where, rev=kept.commit, only=kept.only)


def guard(kept: SavedPlan, show: Callable[[Plan], None]) -> Callable[[Plan], None]:
    """Return `show`, which now raises BusyError if the plan that it gets is not the one that was saved."""

    def shown(plan: Plan) -> None:
        if told := saved.list_moves(kept, plan):
            more = f", and {len(told) - 1} more" if len(told) > 1 else ""
            raise BusyError(f"the plan is stale: the cluster has moved: {told[0]}{more}", help=AGAIN)
        show(plan)

    return shown
