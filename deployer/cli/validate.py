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
    format: Format = "text",  # noqa: A002 - the option's name
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
    from deployer.report.validation import (  # noqa: PLC0415 - see above
        invalid_document,
        invalid_text,
        valid_document,
        valid_text,
    )
    from deployer.workflow.validate import validate as check  # noqa: PLC0415 - --help and completion do without

    output, github = Output(json or format == "json", progress, color, quiet, verbose), format == "github"
    try:
        with output.progress() as shown:
            found = check(source(repo, rev, worktree, staged=staged, strict=strict), shown.say)
    except InvalidFilesError as error:
        output.result(invalid_text(error.problems, output.paint, github=github), invalid_document(error.problems))
        raise typer.Exit(error.exit_code) from None
    valid = valid_document(found.desired, found.objects, found.warnings)
    output.result(valid_text(valid, found.warnings, output.paint, github=github), valid)
