"""`deployer apply`"""

from __future__ import annotations

from typing import Final

import typer

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
from deployer.cli.running import carried_out

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
    from deployer.report.documents import report_document  # noqa: PLC0415 - see above
    from deployer.report.result import report_text  # noqa: PLC0415 - see above

    output, where = Output(json, progress, color, quiet, verbose), source(repo, rev, worktree)
    report = carried_out(
        output, lambda shown: workflow.apply(where, shown.say, shown.show, shown.listen, wait_lock=lock_wait)
    )
    output.result(report_text(report, output.paint), report_document(report))
    raise typer.Exit(report.exit_code)
