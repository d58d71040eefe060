"""`deployer plan`"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Final

import typer

from deployer.cli.options import (
    AllowDelete,
    Colour,
    Json,
    Only,
    Output,
    ProgressKind,
    Quiet,
    Replaces,
    Repo,
    Rev,
    Strict,
    Verbose,
    Worktree,
    source,
)
from deployer.errors import UsageError

Detailed = Annotated[
    bool, typer.Option("--detailed-exitcode", help="Exit with 2 where there are changes; wrong usage is 64 then.")
]
Out = Annotated[
    Path | None,
    typer.Option(
        "--out", metavar="FILE", dir_okay=False, help="Save the plan: `deployer apply FILE` does exactly this."
    ),
]
EXAMPLES: Final = """\b
Examples:
  deployer plan
  deployer plan --out next.plan                 then: deployer apply next.plan
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
    out: Out = None,
    allow_delete: AllowDelete = None,
    replaces: Replaces = "",
    detailed_exitcode: Detailed = False,
    strict: Strict = False,
    json: Json = False,
    progress: ProgressKind = "auto",
    color: Colour = "auto",
    quiet: Quiet = False,
    verbose: Verbose = False,
) -> None:
    """Show what apply would do. Nothing is changed.

    Marks: + adds, ~ changes, - removes, -/+ replaces, . waits, ! cannot be done (the exit code is 1 then, or 6 where nothing
    else is to be done), x is refused by a guard (5), = drifted or not in git, and left.
    """
    from deployer.entry import wait_for  # noqa: PLC0415 - --help and completion do without
    from deployer.model.consent import Consent  # noqa: PLC0415 - see above
    from deployer.workflow.plan import plan as make_plan  # noqa: PLC0415 - see above

    output = Output(json, progress, color, quiet, verbose)
    where = source(repo, rev, worktree, only=only, strict=strict)
    if out and worktree:
        raise UsageError(
            "a plan of the working tree cannot be saved: it has no commit", help="commit, or leave out --out"
        )
    with output.progress() as shown:
        consent = Consent(frozenset(allow_delete or ()), replaces)
        decided = wait_for(make_plan(where, shown.say, consent))
    from deployer.report.documents import plan_document  # noqa: PLC0415 - not before the machines were asked: see workflow/observe.py, NEXT
    from deployer.report.plan import exit_code, painted_plan  # noqa: PLC0415 - as above

    if out:
        from deployer.report.plan_file import write_plan  # noqa: PLC0415 - plans are rarely saved

        write_plan(out, decided, where.rev, consent)
    output.result(painted_plan(decided, output.paint), plan_document(decided))
    raise typer.Exit(exit_code(decided, detailed=detailed_exitcode))
