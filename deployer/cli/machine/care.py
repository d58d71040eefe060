"""What the commands of upkeep share: their options, and a run whose report is printed."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, NoReturn

import typer

from deployer.cli.names import machines
from deployer.cli.options import seconds
from deployer.cli.running import carried_out

if TYPE_CHECKING:
    from collections.abc import Callable

    from deployer.cli.options import Output
    from deployer.plan import Report
    from deployer.upkeep.run import Shown

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
    run: Callable[[Shown], Report],
    advice: Callable[[Report], str] | None = None,
    *,
    dry: bool = False,
) -> NoReturn:
    """`shown_run`, and what to do where it did not succeed; ends with the report's exit code."""
    report = shown_run(output, run, dry=dry)
    if advice and not report.ok and not dry and not output.quiet and (said := advice(report)):
        typer.echo(said, err=True)
    raise typer.Exit(0 if dry else report.exit_code)


def shown_run(output: Output, run: Callable[[Shown], Report], *, dry: bool = False) -> Report:
    """Run it and print its report; of a trial, which has done nothing, the plan."""
    from deployer.plan import Report  # noqa: PLC0415 - --help does without
    from deployer.report.documents import plan_document, report_document  # noqa: PLC0415 - --help does without
    from deployer.report.plan import painted_plan  # noqa: PLC0415 - see above
    from deployer.report.result import report_text  # noqa: PLC0415 - see above
    from deployer.upkeep.run import Shown  # noqa: PLC0415 - see above

    if dry:
        with output.progress() as progress:
            plan = run(Shown(progress.say, progress.show, progress.listen)).plan
        output.result(painted_plan(plan, output.paint), plan_document(plan))
        return Report(plan)
    report = carried_out(output, lambda progress: run(Shown(progress.say, progress.show, progress.listen)))
    output.result(report_text(report, output.paint), report_document(report))
    return report
