"""`deployer machine restart`"""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Final

import typer

from deployer.cli.machine.maintenance import DrainWait, Dry, Force, Machines, Rolling, Wait, finish
from deployer.cli.options import (
    Colour,
    Json,
    LockWait,
    Output,
    ProgressKind,
    Quiet,
    Repo,
    Rev,
    Verbose,
    Worktree,
    source,
)
from deployer.startup import defer_imports

if TYPE_CHECKING:
    from deployer.plan.outcome import Report

with defer_imports():
    from deployer.maintenance import rolling as maintenance
    from deployer.plan import maintenance as plan_maintenance
    from deployer.workflow import maintain


EXAMPLES: Final = """\b
Examples:
  deployer machine restart slave
  deployer machine restart --rolling slave slave2 master
  deployer machine restart --rolling --dry-run slave slave2
  deployer machine restart --engine --rolling slave slave2
"""


def restart(
    names: Machines,
    *,
    rolling: Rolling = False,
    engine: Annotated[bool, typer.Option("--engine", help="The Docker engine alone, not the machine.")] = False,
    force: Force = False,
    dry_run: Dry = False,
    wait: Wait = 300,
    drain_wait: DrainWait = 180,
    lock_wait: LockWait = 0,
    repo: Repo = None,
    rev: Rev = None,
    worktree: Worktree = False,
    json: Json = False,
    progress: ProgressKind = "auto",
    color: Colour = "auto",
    quiet: Quiet = False,
    verbose: Verbose = False,
) -> None:
    """Reboot machines and wait until they are back, with everything that ran on them.

    With --rolling one after the other: drained, rebooted, activated when it is well, and the next one when all services are.
    Managers come last and never below a majority.
    """
    where = source(repo, rev, worktree)
    request = maintenance.Request(tuple(names), plan_maintenance.Manner(rolling, force, drain_wait), wait)
    terms = maintain.make_terms("machine", lock_wait, dry=dry_run)
    flags = f"restart{' --engine' if engine else ''}{' --rolling' if rolling else ''}{' --force' if force else ''}"
    finish(
        Output(json, progress, color, quiet, verbose),
        lambda audience: maintenance.restart(where, request, "engine" if engine else "machine", audience, terms),
        lambda report: go_on(flags, report),
        dry=dry_run,
    )


def go_on(command: str, report: Report) -> str:
    """How to go on after a trouble: with the machines that have not had their turn yet."""
    left = maintenance.left_over(report)
    return f"To go on: deployer machine {command} {' '.join(left)}" if left else ""
