"""`deployer machine upgrade`"""

from __future__ import annotations

from typing import Final

from deployer.cli.machine.maintenance import DrainWait, Dry, Force, Machines, Rolling, finish
from deployer.cli.machine.restart import go_on
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

with defer_imports():
    from deployer.maintenance import rolling as maintenance
    from deployer.plan import maintenance as plan_maintenance
    from deployer.workflow import maintain


EXAMPLES: Final = """\b
Examples:
  deployer machine upgrade --rolling slave slave2 master
  deployer machine upgrade --dry-run slave             from which version to which
"""


def upgrade(
    names: Machines,
    *,
    rolling: Rolling = False,
    force: Force = False,
    dry_run: Dry = False,
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
    """Upgrade the Docker engine, by the machine's own package manager, where there is a newer one.

    The package lists are fetched anew, nothing else is changed before the plan is shown. With --rolling as `restart --rolling`.
    """
    where = source(repo, rev, worktree)
    request = maintenance.Request(tuple(names), plan_maintenance.Manner(rolling, force, drain_wait))
    terms = maintain.make_terms("machine", lock_wait, dry=dry_run)
    flags = f"upgrade{' --rolling' if rolling else ''}{' --force' if force else ''}"
    finish(
        Output(json, progress, color, quiet, verbose),
        lambda audience: maintenance.upgrade(where, request, audience, terms),
        lambda report: go_on(flags, report),
        dry=dry_run,
    )
