"""`deployer machine start`, `stop` and `kill`"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple

import typer

from deployer.cli.machine.maintenance import Dry, Force, Machines, finish
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
from deployer.errors import DeployerError
from deployer.startup import defer_imports

if TYPE_CHECKING:
    from deployer.workflow.validate import Source

with defer_imports():
    from deployer import entry
    from deployer.maintenance import power
    from deployer.workflow import maintain


EXAMPLES: Final = """\b
Examples:
  deployer machine stop slave
  deployer machine stop --dry-run slave slave2
"""


def stop(
    names: Machines,
    *,
    force: Force = False,
    dry_run: Dry = False,
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
    """Switch machines off, in good order. What ran there Swarm starts elsewhere: `deployer machine drain` does that without a gap.

    SSH cannot switch them on again.
    """
    where, output = source(repo, rev, worktree), Output(json, progress, color, quiet, verbose)
    _off(where, names, output, _How(lock_wait, dry_run, force, hard=False))


def kill(
    names: Machines,
    *,
    force: Force = False,
    dry_run: Dry = False,
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
    """Switch machines off at once, as if their cables were pulled: what has not been written is lost.

    For one that hangs and still lets SSH in.
    """
    where, output = source(repo, rev, worktree), Output(json, progress, color, quiet, verbose)
    _off(where, names, output, _How(lock_wait, dry_run, force, hard=True))


def start(names: Machines, *, repo: Repo = None, rev: Rev = None, worktree: Worktree = False) -> None:
    """Say whether machines run. Switching one on takes its console or its provider: SSH needs one that runs.

    Exit code 1 where one does not.
    """
    found = entry.wait_for(power.running(source(repo, rev, worktree), tuple(names)))
    for name in (name for name, up in found.items() if up):
        typer.echo(f'Machine "{name}" is already running.')
    if off := [name for name, up in found.items() if not up]:
        raise DeployerError(
            f"{', '.join(off)} cannot be started from here: SSH needs a machine that runs",
            help="switch it on at its provider or its console (or by Wake-on-LAN), then: deployer machine provision",
        )


class _How(NamedTuple):
    lock_wait: float
    dry: bool
    force: bool
    hard: bool


def _off(where: Source, names: list[str], output: Output, how: _How) -> None:
    terms = maintain.make_terms("machine", how.lock_wait, dry=how.dry)
    finish(
        output,
        lambda audience: power.switch_off(where, tuple(names), audience, terms, hard=how.hard, force=how.force),
        dry=how.dry,
    )
