"""`deployer swarm status` and `recover`"""

from __future__ import annotations

import sys
from dataclasses import replace
from typing import TYPE_CHECKING, Annotated, Final

import typer

from deployer.cli.machine.maintenance import finish
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
from deployer.model.clock import clock_words
from deployer.startup import defer_imports

if TYPE_CHECKING:
    from deployer.plan.steps import Plan

with defer_imports():
    from deployer import entry
    from deployer.maintenance import swarm
    from deployer.remote import terminal
    from deployer.report import machines as documents
    from deployer.report import table as report_table
    from deployer.workflow import maintain


EXAMPLES: Final = """\b
Examples:
  deployer swarm status
  deployer swarm status --json
  deployer swarm recover master            asks for the machine's name
  deployer swarm recover master --yes
"""
WARNING: Final = """\
The swarm will be started anew from what {name} alone knows. Services and networks stay as {name} knew them last.
All other managers lose their place: they must not come back as they are. Run `docker swarm leave --force` on each of
them before it can reach {name} again; `deployer apply` lets them join anew."""


def status(
    *,
    repo: Repo = None,
    rev: Rev = None,
    worktree: Worktree = False,
    json: Json = False,
    color: Colour = "auto",
) -> None:
    """Show the swarm's members, which managers are reachable, and how long its certificates are valid."""
    output = Output(json, color=color)
    found = entry.wait_for(swarm.state(source(repo, rev, worktree)))
    rows = [
        (peer.name, peer.role, peer.state, peer.availability, peer.address, clock_words(peer.clock_ahead))
        for peer in found.peers
    ]
    said = (
        f"Started {found.created}, told by {found.via}. Root certificate valid until {found.root_expires[:10]}, "
        f"members' for {found.certificates_days} days each (renewed by themselves). "
        f"Autolock {'on' if found.autolock else 'off'}."
    )
    lines = [*report_table.table(("NAME", "ROLE", "STATE", "AVAILABILITY", "ADDRESS", "CLOCK"), rows), "", said]
    output.result("\n".join(lines) + "\n", documents.swarm_document(found))


def recover(
    name: Annotated[str, typer.Argument(metavar="NAME", autocompletion=machines, help="The manager that is left.")],
    *,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Do not ask for the name.")] = False,
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
    """Start the swarm anew from one manager, where most of them are gone for good (docker's --force-new-cluster).

    Refused while the swarm takes orders. The entries of the other managers are taken out, so that none comes back as one.
    """
    if not yes and not sys.stdin.isatty():
        raise UsageError(
            "recover asks for the machine's name, and there is no terminal", help="--yes says it beforehand"
        )

    def confirm(_: Plan) -> bool:
        typer.echo(WARNING.format(name=name), err=True)
        with terminal.interruptible():
            return yes or typer.prompt("Type the machine's name to go on", default="", err=True).strip() == name

    where, output = source(repo, rev, worktree), Output(json, progress, color, quiet, verbose)
    finish(
        output,
        lambda audience: swarm.recover(
            where, name, audience, replace(maintain.make_terms("swarm", lock_wait), confirm=confirm)
        ),
    )
