"""`deployer status`"""

from __future__ import annotations

from typing import Annotated, Final

import typer

from deployer.cli.options import Colour, Json, Output, ProgressKind, Quiet, Repo, Rev, Verbose, Worktree, source

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
    from deployer.entry import wait_for  # noqa: PLC0415 - --help and completion do without
    from deployer.report.documents import status_document  # noqa: PLC0415 - see above
    from deployer.report.status import status_text  # noqa: PLC0415 - see above
    from deployer.workflow.status import status as look  # noqa: PLC0415 - see above

    output = Output(json, progress, color, quiet, verbose)
    with output.progress() as shown:
        found = wait_for(look(source(repo, rev, worktree), shown.say))
    output.result(status_text(found, output.paint, output.width, drift=drift), status_document(found))
