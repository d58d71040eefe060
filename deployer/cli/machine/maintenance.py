"""What the commands of maintenance share: their options, and a run whose report is printed."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, NoReturn

import typer

from deployer.cli.names import machines
from deployer.cli.options import seconds
from deployer.cli.running import address, show_run
from deployer.startup import defer_imports

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine
    from typing import Any

    from deployer.cli.options import Output
    from deployer.plan.outcome import Report
    from deployer.workflow.run import Audience

    Run = Callable[[Audience], Coroutine[Any, Any, Report]]

with defer_imports():
    from deployer import entry
    from deployer.plan import outcome
    from deployer.report import documents, result
    from deployer.report import plan as report_plan


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
LockWait = Annotated[
    float,
    typer.Option("--lock-wait", parser=seconds, metavar="DURATION", help="Wait so long for another run: 90s, 5m."),
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


def run_and_print(output: Output, run: Run, *, dry: bool = False) -> Report:
    """Run it and print its report; if it is a trial, print the plan."""
    if dry:
        with output.progress() as progress:
            plan = entry.wait_for(run(address(progress))).plan
        output.result(report_plan.paint_plan(plan, output.paint), documents.plan_document(plan))
        return outcome.Report(plan)
    report = show_run(output, run)
    output.result(result.report_text(report, output.paint), documents.report_document(report))
    return report
