"""`deployer unlock`"""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Annotated, Final

import typer

from deployer.cli.options import Json, Output, Repo, Rev, Worktree, source
from deployer.errors import GuardRefusedError, UsageError
from deployer.startup import defer_imports

if TYPE_CHECKING:
    from deployer.workflow.validate import Source

with defer_imports():
    from deployer import entry
    from deployer.report import lock as report_lock
    from deployer.workflow import consul


Lock = Annotated[str | None, typer.Argument(metavar="[ID]", help="The lock; without it you are shown whose it is.")]
Reason = Annotated[str | None, typer.Option(metavar="TEXT", help="Why. Kept in Consul, and told to the holder.")]
EXAMPLES: Final = """\b
Examples:
  deployer unlock
  deployer unlock 9d3711bb-29e4-4a19-df20-6ddd7e7a856c --reason "that runner is gone"
"""


def unlock(
    lock: Lock = None,
    *,
    reason: Reason = None,
    repo: Repo = None,
    rev: Rev = None,
    worktree: Worktree = False,
    json: Json = False,
) -> None:
    """Take the cluster's lock from a run that hangs.

    A run that died loses it by itself within 35 seconds. One that lives stops when its lock is taken away: it begins no
    other step. On a terminal you are asked; elsewhere the lock's ID and a reason are needed.
    """
    where = source(repo, rev, worktree)
    if lock is None:
        lock = _ask(where, may_ask=sys.stdin.isatty() and not json)
        reason = reason or ""
    elif reason is None:
        raise UsageError("a reason is needed", help=f'deployer unlock {lock} --reason "..."')
    cluster, holder = entry.wait_for(consul.unlock(where, lock, reason))
    Output(json).result(
        report_lock.unlocked_text(cluster, holder),
        report_lock.unlock_document(cluster, holder.told() if holder else None, reason),
    )


def _ask(where: Source, *, may_ask: bool) -> str:
    """The id of the lock that is to be taken away; empty where there is none."""
    cluster, holder = entry.wait_for(consul.locked_by(where))
    if holder is None:
        return ""
    if not may_ask:
        raise UsageError(
            f"cluster {cluster} is locked by {holder}; without a terminal the lock has to be named",
            help=f'deployer unlock {holder.id} --reason "..."',
        )
    typer.echo(report_lock.lock_text(cluster, holder, holder.id), err=True, nl=False)
    if typer.prompt("The cluster's name, to take it away", err=True) != cluster:
        raise GuardRefusedError("that is not the cluster's name: the lock stays")
    return holder.id
