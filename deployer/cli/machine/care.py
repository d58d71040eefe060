"""What the commands of upkeep share: their options, and a run whose report is printed."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, Annotated

import typer

from deployer.cli.options import seconds

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from deployer.cli.options import Output
    from deployer.plan import Report
    from deployer.upkeep.run import Shown

Machines = Annotated[list[str], typer.Argument(metavar="NAME...", help="The machines, as in cluster/nodes/.")]
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
) -> None:
    """Run it, print its report, and what to do where it did not succeed; ends with the report's exit code."""
    from deployer.report.documents import report_document  # noqa: PLC0415 - --help does without
    from deployer.report.result import report_text  # noqa: PLC0415 - see above

    with _shown(output) as (shown, end):
        report = run(shown)
        if not dry:
            end(report)
    if dry:
        from deployer.report.documents import plan_document  # noqa: PLC0415 - for trials only
        from deployer.report.plan import painted_plan  # noqa: PLC0415 - see above

        output.result(painted_plan(report.plan, output.paint), plan_document(report.plan))
        raise typer.Exit(0)
    output.result(report_text(report, output.paint), report_document(report))
    if advice and not report.ok and not output.quiet and (said := advice(report)):
        typer.echo(said, err=True)
    raise typer.Exit(report.exit_code)


@contextmanager
def _shown(output: Output) -> Iterator[tuple[Shown, Callable[[Report], None]]]:
    from deployer.upkeep.run import Shown  # noqa: PLC0415 - --help does without

    with output.progress() as progress:
        yield Shown(progress.say, progress.show, progress.listen), progress.end
