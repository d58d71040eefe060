"""`deployer apply`"""

from __future__ import annotations

from typing import Annotated, Final

import typer

from deployer.cli.options import (
    Colour,
    Json,
    Output,
    ProgressKind,
    Quiet,
    Repo,
    Rev,
    Verbose,
    Worktree,
    seconds,
    source,
)

LockWait = Annotated[
    float,
    typer.Option("--lock-wait", parser=seconds, metavar="DURATION", help="Wait so long for another run: 90s, 5m."),
]
EXAMPLES: Final = """\b
Examples:
  deployer apply
  deployer apply --rev v1.4.2
  deployer apply --lock-wait 5m --progress plain
  deployer apply --json > report.json
"""


def apply(
    *,
    repo: Repo = None,
    rev: Rev = None,
    worktree: Worktree = False,
    lock_wait: LockWait = 0,
    json: Json = False,
    progress: ProgressKind = "auto",
    color: Colour = "auto",
    quiet: Quiet = False,
    verbose: Verbose = False,
) -> None:
    """Make the cluster what git says, and wait until it is healthy.

    The plan is shown before the first change. Ctrl-C lets what is being done end; run it again to go on.
    """
    from deployer import workflow  # noqa: PLC0415 - everything hangs on it; --help and completion do without
    from deployer.execute import BrokenOffError  # noqa: PLC0415 - see above
    from deployer.report.documents import report_document  # noqa: PLC0415 - see above
    from deployer.report.result import report_text  # noqa: PLC0415 - see above

    output = Output(json, progress, color, quiet, verbose)
    with output.progress() as shown:
        where = source(repo, rev, worktree)
        try:
            report = workflow.apply(where, shown.say, shown.show, shown.listen, wait_lock=lock_wait)
        except BrokenOffError as bug:  # what was done is told here, the bug itself where all bugs are
            shown.end(bug.report)
            if not json:  # there, the one document is the bug's
                output.result(report_text(bug.report, output.paint), {})
            raise (bug.__cause__ or bug) from None
        shown.end(report)
    output.result(report_text(report, output.paint), report_document(report))
    raise typer.Exit(report.exit_code)
