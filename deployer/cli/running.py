"""What every command that changes the cluster does around its run: show how it goes, and say what was done even after a bug."""

from __future__ import annotations

from typing import TYPE_CHECKING

from deployer.startup import defer_imports

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine
    from typing import Any

    from deployer.cli.options import Output
    from deployer.plan.outcome import Report
    from deployer.report.progress import Progress
    from deployer.workflow.run import Audience

    Run = Callable[[Audience], Coroutine[Any, Any, Report]]

with defer_imports():
    from deployer import entry
    from deployer.execute import broken
    from deployer.plan import outcome
    from deployer.report import documents, result
    from deployer.report import plan as report_plan
    from deployer.workflow import run


def show_run(output: Output, work: Run) -> Report:
    """Return the report of `work`, which speaks to the terminal. A bug in it is raised once what was done has been told."""
    with output.progress() as shown:
        try:
            report = entry.wait_for(work(address(shown)))
        except broken.BrokenOffError as bug:  # what was done is told here, the bug itself where all bugs are
            shown.end(bug.report)
            if not output.json:  # there, the one document is the bug's
                output.result(result.report_text(bug.report, output.paint), {})
            raise (bug.__cause__ or bug) from None
        shown.end(report)
    return report


def run_and_print(output: Output, work: Run, *, dry: bool = False) -> Report:
    """Return the report of `work` and print it; if it is a trial, print the plan."""
    if dry:
        with output.progress() as progress:
            plan = entry.wait_for(work(address(progress))).plan
        output.result(report_plan.paint_plan(plan, output.paint), documents.plan_document(plan))
        return outcome.Report(plan)
    report = show_run(output, work)
    output.result(result.report_text(report, output.paint), documents.report_document(report))
    return report


def address(shown: Progress) -> Audience:
    """Return the audience of a run that speaks to this terminal and that signals stop."""
    return run.Audience(shown.say, shown.show, shown.listen, entry.stop_on_signals)
