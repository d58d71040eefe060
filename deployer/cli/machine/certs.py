"""`deployer machine regenerate-certs`"""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Final

import typer

from deployer.cli.machine.maintenance import DrainWait, Dry, Force, finish
from deployer.cli.machine.restart import go_on
from deployer.cli.names import machines
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
from deployer.errors import UsageError
from deployer.startup import defer_imports

if TYPE_CHECKING:
    from deployer.maintenance.certificates import Turn

with defer_imports():
    from deployer.maintenance import certificates, rolling
    from deployer.plan import maintenance
    from deployer.workflow import maintain


EXAMPLES: Final = """\b
Examples:
  deployer machine regenerate-certs master
  deployer machine regenerate-certs --dry-run
  deployer machine regenerate-certs --client-certs         another authority; the present one stays trusted
  deployer machine regenerate-certs --finish               until this
"""


def regenerate_certs(
    names: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="[NAME]...", autocompletion=machines, help="[default: all that have TLS]", show_default=False
        ),
    ] = None,
    *,
    client_certs: Annotated[
        bool, typer.Option("--client-certs", help="Of another authority, and your own certificate, too.")
    ] = False,
    finish_: Annotated[
        bool, typer.Option("--finish", help="Trust the authority before the present one no more.")
    ] = False,
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
    """Give engines that listen for TLS new keys and certificates: one machine after the other, each proven by a handshake.

    The engine restarts for it, so members of the swarm are drained first, and managers come last. Outside the swarm containers
    go on where daemon.json says `live-restore`, else they restart.
    """
    if client_certs and finish_:
        raise UsageError("--client-certs begins what --finish ends", help="first the one, then the other")
    turn: Turn = "authority" if client_certs else "finish" if finish_ else "server"
    where = source(repo, rev, worktree)
    request = rolling.Request(
        tuple(names or ()), maintenance.Manner(rolling=True, force=force, drain_seconds=drain_wait)
    )
    terms = maintain.make_terms("machine", lock_wait, dry=dry_run)
    # Another authority is there once the first machine was begun: whoever goes on needs its certificates, not one more.
    flags = f"regenerate-certs{' --finish' if finish_ else ''}{' --force' if force else ''}"
    finish(
        Output(json, progress, color, quiet, verbose),
        lambda audience: certificates.regenerate(where, request, turn, audience, terms),
        lambda report: go_on(flags, report),
        dry=dry_run,
    )
