"""What the commands of maintenance share: their options, and how they end."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, NoReturn

import typer

from deployer.cli.names import machines
from deployer.cli.options import seconds
from deployer.cli.running import run_and_print

if TYPE_CHECKING:
    from collections.abc import Callable

    from deployer.cli.options import Output
    from deployer.cli.running import Run
    from deployer.plan.outcome import Report

Machines = Annotated[
    list[str], typer.Argument(metavar="NAME...", autocompletion=machines, help="The machines, as in cluster/nodes/.")
]
Rolling = Annotated[bool, typer.Option("--rolling", help="One after the other, drained; stops at the first trouble.")]
Force = Annotated[bool, typer.Option("--force", "-f", help="Go on where services or the quorum suffer.")]
Dry = Annotated[bool, typer.Option("--dry-run", "-n", help="Show the plan, do nothing.")]
Wait = Annotated[
    float, typer.Option("--wait", parser=seconds, metavar="DURATION", help="How long a machine may take to be back.")
]
DrainWait = Annotated[
    float, typer.Option("--drain-wait", parser=seconds, metavar="DURATION", help="How long its tasks may take to move.")
]


def finish(
    output: Output,
    run: Run,
    advice: Callable[[Report], str] | None = None,
    *,
    dry: bool = False,
) -> NoReturn:
    """Run it, print its report, and say what to do where it did not succeed; ends with the report's exit code."""
    report = run_and_print(output, run, dry=dry)
    if advice and not report.ok and not dry and not output.quiet and (said := advice(report)):
        typer.echo(said, err=True)
    raise typer.Exit(0 if dry else report.exit_code)
