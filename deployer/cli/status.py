"""`deployer status`"""

from __future__ import annotations

from typing import Annotated, Final

import typer

from deployer.cli.options import Colour, Json, Output, ProgressKind, Quiet, Repo, Rev, Verbose, Worktree, source
from deployer.startup import defer_imports

with defer_imports():
    from deployer import entry
    from deployer.report import status as report_status
    from deployer.workflow import status as workflow_status


Drift = Annotated[bool, typer.Option("--drift", help="Every field that somebody changed by hand, live -> git.")]
EXAMPLES: Final = """\b
Examples:
  deployer status
  deployer status --drift
  deployer status --quiet | grep Degraded
  deployer status --json
"""


def status(
    *,
    repo: Repo = None,
    rev: Rev = None,
    worktree: Worktree = False,
    drift: Drift = False,
    json: Json = False,
    progress: ProgressKind = "auto",
    color: Colour = "auto",
    quiet: Quiet = False,
    verbose: Verbose = False,
) -> None:
    """Show machines and stacks: as git says? healthy?

    Synced, OutOfSync: as git says, or not. Healthy, Progressing, Degraded, Suspended, Missing: how it runs.
    """
    output = Output(json, progress, color, quiet, verbose)
    with output.progress() as shown:
        found = entry.wait_for(workflow_status.status(source(repo, rev, worktree), shown.say))
    output.result(
        report_status.status_text(found, output.paint, output.width, drift=drift), report_status.status_document(found)
    )
