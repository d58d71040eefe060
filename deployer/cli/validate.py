"""`deployer validate`"""

from __future__ import annotations

from typing import Annotated, Final, Literal

import typer

from deployer.cli.options import (
    Colour,
    Json,
    Output,
    ProgressKind,
    Quiet,
    Repo,
    Rev,
    Staged,
    Strict,
    Verbose,
    Worktree,
    source,
)
from deployer.errors import InvalidFilesError
from deployer.startup import defer_imports

with defer_imports():
    from deployer.report import validation as report
    from deployer.workflow import validate as workflow

Format = Annotated[
    Literal["text", "github", "json"],
    typer.Option("--format", help="github: annotations of a pull request; json: as --json."),
]
EXAMPLES: Final = """\b
Examples:
  deployer validate                             the last commit
  deployer validate --worktree                  the files as they are now
  deployer validate --staged --strict           what the next commit will have; warnings are errors
  deployer validate --rev origin/main --json
  deployer validate --format github             in a GitHub action
"""


def validate(
    *,
    repo: Repo = None,
    rev: Rev = None,
    worktree: Worktree = False,
    staged: Staged = False,
    format: Format = "text",
    strict: Strict = False,
    json: Json = False,
    progress: ProgressKind = "auto",
    color: Colour = "auto",
    quiet: Quiet = False,
    verbose: Verbose = False,
) -> None:
    """Check every file of the repository; no machine is asked.

    All problems of all files are listed, as path:line:column. Exit code 3 where there is an error.
    """
    output, github = Output(json or format == "json", progress, color, quiet, verbose), format == "github"
    try:
        with output.progress() as shown:
            found = workflow.validate(source(repo, rev, worktree, staged=staged, strict=strict), shown.say)
    except InvalidFilesError as error:
        output.result(
            report.invalid_text(error.problems, output.paint, github=github), report.invalid_document(error.problems)
        )
        raise typer.Exit(error.exit_code) from None
    valid = report.valid_document(found.desired, found.objects, found.warnings)
    output.result(report.valid_text(valid, found.warnings, output.paint, github=github), valid)
