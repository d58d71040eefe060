"""What every command that changes the cluster does around its run: show how it goes, and say what was done even after a bug."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine
    from typing import Any

    from deployer.cli.options import Output
    from deployer.plan.outcome import Report
    from deployer.report.progress import Progress
    from deployer.workflow.run import Audience


def show_run(output: Output, work: Callable[[Audience], Coroutine[Any, Any, Report]]) -> Report:
    """Return the report of `work`, which speaks to the terminal. A bug in it is raised once what was done has been told."""
    from deployer.entry import wait_for  # noqa: PLC0415 - --help and completion do without
    from deployer.execute.broken import BrokenOffError  # noqa: PLC0415 - as above
    from deployer.report.result import report_text  # noqa: PLC0415 - as above

    with output.progress() as shown:
        try:
            report = wait_for(work(address(shown)))
        except BrokenOffError as bug:  # what was done is told here, the bug itself where all bugs are
            shown.end(bug.report)
            if not output.json:  # there, the one document is the bug's
                output.result(report_text(bug.report, output.paint), {})
            raise (bug.__cause__ or bug) from None
        shown.end(report)
    return report


def address(shown: Progress) -> Audience:
    """Return the audience of a run that speaks to this terminal and that signals stop."""
    from deployer.entry import stop_on_signals  # noqa: PLC0415 - --help and completion do without
    from deployer.workflow.run import Audience  # noqa: PLC0415 - as above

    return Audience(shown.say, shown.show, shown.listen, stop_on_signals)
