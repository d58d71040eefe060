"""`deployer plan`"""

from __future__ import annotations

from typing import Annotated, Final

import typer

from deployer.cli.options import Colour, Json, Only, Output, ProgressKind, Quiet, Repo, Rev, Verbose, Worktree, source

Detailed = Annotated[
    bool, typer.Option("--detailed-exitcode", help="Exit with 2 where there are changes; wrong usage is 64 then.")
]
EXAMPLES: Final = """\b
Examples:
  deployer plan
  deployer plan --rev origin/main
  deployer plan --detailed-exitcode --quiet     0 no changes, 2 changes
  deployer plan --only web
  deployer plan --json
"""


def plan(
    *,
    repo: Repo = None,
    rev: Rev = None,
    worktree: Worktree = False,
    only: Only = None,
    detailed_exitcode: Detailed = False,
    json: Json = False,
    progress: ProgressKind = "auto",
    color: Colour = "auto",
    quiet: Quiet = False,
    verbose: Verbose = False,
) -> None:
    """Show what apply would do. Nothing is changed.

    Marks: + adds, ~ changes, . waits, ! cannot be done (the exit code is 1 then, or 6 where nothing else is to be done).
    """
    from deployer import workflow  # noqa: PLC0415 - everything hangs on it; --help and completion do without
    from deployer.report.documents import plan_document  # noqa: PLC0415 - see above
    from deployer.report.plan import exit_code, painted_plan  # noqa: PLC0415 - see above

    output = Output(json, progress, color, quiet, verbose)
    with output.progress() as shown:
        decided = workflow.plan(source(repo, rev, worktree, only=only), shown.say)
    output.result(painted_plan(decided, output.paint), plan_document(decided))
    raise typer.Exit(exit_code(decided, detailed=detailed_exitcode))
