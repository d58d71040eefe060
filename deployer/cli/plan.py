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
from deployer.model.consent import Consent
from deployer.startup import defer_imports

with defer_imports():
    from deployer import entry
    from deployer.report import documents, plan_file
    from deployer.report import plan as report_plan
    from deployer.workflow import plan as workflow_plan


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
    output = Output(json, progress, color, quiet, verbose)
    where = source(repo, rev, worktree, only=only, strict=strict)
    if out and worktree:
        raise UsageError(
            "a plan of the working tree cannot be saved: it has no commit", help="commit, or leave out --out"
        )
    with output.progress() as shown:
        consent = Consent(frozenset(allow_delete or ()), replaces)
        decided = entry.wait_for(workflow_plan.plan(where, shown.say, consent))

    if out:
        plan_file.write_plan(out, decided, where.rev, consent)
    output.result(report_plan.paint_plan(decided, output.paint), documents.plan_document(decided))
    raise typer.Exit(report_plan.exit_code(decided, detailed=detailed_exitcode))
