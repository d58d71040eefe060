"""What every command that changes the cluster does around its run: show how it goes, and say what was done even after a bug."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

    from deployer.cli.options import Output
    from deployer.plan import Report
    from deployer.report.progress import Progress


def carried_out(output: Output, work: Callable[[Progress], Report]) -> Report:
    """The report of `work`, which gets the progress to talk to. A bug in it is raised once what was done has been told."""
    from deployer.execute import BrokenOffError  # noqa: PLC0415 - --help and completion do without
    from deployer.report.result import report_text  # noqa: PLC0415 - see above

    with output.progress() as shown:
        try:
            report = work(shown)
        except BrokenOffError as bug:  # what was done is told here, the bug itself where all bugs are
            shown.end(bug.report)
            if not output.json:  # there, the one document is the bug's
                output.result(report_text(bug.report, output.paint), {})
            raise (bug.__cause__ or bug) from None
        shown.end(report)
    return report
