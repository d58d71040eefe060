"""`deployer machine rm`"""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Annotated, Final

import typer

from deployer.cli.machine.maintenance import Dry
from deployer.cli.names import machines
from deployer.cli.options import Colour, Json, LockWait, Output, ProgressKind, Quiet, Repo, Verbose, source
from deployer.cli.running import run_and_print
from deployer.errors import UsageError
from deployer.startup import defer_imports

if TYPE_CHECKING:
    from deployer.plan.outcome import Report
    from deployer.plan.steps import Plan
    from deployer.workflow.run import Audience

with defer_imports():
    from deployer.maintenance import remove as maintenance_remove
    from deployer.plan import departure as plan_departure
    from deployer.remote import terminal
    from deployer.workflow import maintain


Name = Annotated[
    str, typer.Argument(metavar="NAME", autocompletion=machines, help="The machine, as in cluster/nodes/.")
]
EXAMPLES: Final = """\b
Examples:
  deployer machine rm slave2
  deployer machine rm --yes --commit slave2
  deployer machine rm --force --yes slave2         one that does not answer any more
  deployer machine rm --purge slave2               with what deployer installed on it
"""


def rm(
    name: Name,
    *,
    force: Annotated[
        bool, typer.Option("--force", "-f", help="Also where it does not answer, or services suffer; implies --yes.")
    ] = False,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.")] = False,
    purge: Annotated[
        bool, typer.Option("--purge", help="Take away what deployer brought: Docker's packages, keys of daemon.json.")
    ] = False,
    volume: Annotated[
        list[str] | None, typer.Option("--volume", metavar="NAME", help="Remove this volume there, too; repeatable.")
    ] = None,
    commit: Annotated[bool, typer.Option("--commit", help="Commit the removal of its file.")] = False,
    dry_run: Dry = False,
    lock_wait: LockWait = 0,
    repo: Repo = None,
    json: Json = False,
    progress: ProgressKind = "auto",
    color: Colour = "auto",
    quiet: Quiet = False,
    verbose: Verbose = False,
) -> None:
    """Take a machine out of the cluster in good order, and out of git.

    Its tasks go elsewhere first; then it leaves the swarm, and its entries in the swarm and in Consul go. What stays on it is said.
    """
    where, output = source(repo, None, worktree=False), Output(json, progress, color, quiet, verbose)
    if not (force or yes or dry_run) and not sys.stdin.isatty():
        raise UsageError("rm asks before it does anything, and there is no terminal", help="--yes says yes beforehand")
    departure = plan_departure.Departure(name, force, purge, tuple(volume or ()))

    def confirm(_: Plan) -> bool:
        with terminal.interruptible():
            return force or yes or typer.confirm(f"Remove {name}?", err=True)

    stays: list[str] = []

    async def run(audience: Audience) -> Report:
        report, stays[:] = await maintenance_remove.remove(
            where, departure, audience, maintain.make_terms("machine", lock_wait, dry=dry_run), confirm
        )
        return report

    report = run_and_print(output, run, dry=dry_run)
    if report.ok and not dry_run and (report.plan.steps or confirm(report.plan)):
        for line in maintenance_remove.forget(where, name, commit=commit):
            typer.echo(line, err=True)
        for line in stays:
            typer.echo(f"stays on {name}: {line}", err=True)
    raise typer.Exit(0 if dry_run else report.exit_code)
