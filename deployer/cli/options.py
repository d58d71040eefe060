"""The options that several commands share, and what they add up to."""

from __future__ import annotations

import os
import shutil
import sys
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from deployer.cli.names import stacks
from deployer.cli.work_tree import find_work_tree
from deployer.errors import UsageError
from deployer.model.amounts import parse_duration
from deployer.report.paint import Choice, Paint, wants_colour
from deployer.report.progress import Asked, Progress, open_progress, which
from deployer.report.stream import emit
from deployer.startup import defer_imports

if TYPE_CHECKING:
    from collections.abc import Iterator

with defer_imports():
    from deployer.report import encode
    from deployer.workflow import validate

Repo = Annotated[
    Path | None,
    typer.Option(metavar="DIR", exists=True, file_okay=False, help="The repository. [default: the one you are in]"),
]
Rev = Annotated[str | None, typer.Option(metavar="REV", help="The commit, branch or tag. [default: HEAD]")]
Worktree = Annotated[bool, typer.Option("--worktree", help="The files as they are now, not a commit: for trials.")]
Staged = Annotated[bool, typer.Option("--staged", help="What is staged, as the next commit will have it.")]
Only = Annotated[
    list[str] | None,
    typer.Option(
        "--only", metavar="STACK", autocompletion=stacks, help="This stack and nothing else; once for each of several."
    ),
]
AllowDelete = Annotated[
    list[str] | None,
    typer.Option(
        "--allow-delete", metavar="NAME", help="A stack, service, network or machine that may go; repeatable."
    ),
]
Replaces = Annotated[
    str,
    typer.Option(
        "--replaces", metavar="COMMIT", help="The deployed commit, where this one is older or of another history."
    ),
]
Strict = Annotated[bool, typer.Option("--strict", help="Warnings are errors: nothing of a file is ignored.")]
Json = Annotated[bool, typer.Option("--json", help="Print the result as JSON on standard output.")]
ProgressKind = Annotated[
    Asked,
    typer.Option("--progress", metavar="HOW", help="Progress on standard error: auto, tty, plain, json, quiet."),
]
Colour = Annotated[
    Choice, typer.Option("--color", envvar="DEPLOYER_COLOR", metavar="WHEN", help="auto, always or never.")
]
Quiet = Annotated[bool, typer.Option("--quiet", "-q", help="Results and errors only.")]
Verbose = Annotated[bool, typer.Option("--verbose", "-v", help="Every line of every step, with the time.")]


def seconds(text: str) -> float:
    """The value of an option: `90`, `90s`, `5m`, `1h`."""
    try:
        return parse_duration(str(text).strip())
    except ValueError as error:
        raise typer.BadParameter(str(error)) from None


LockWait = Annotated[
    float,
    typer.Option("--lock-wait", parser=seconds, metavar="DURATION", help="Wait so long for another run: 90s, 5m."),
]


def source(
    repo: Path | None,
    rev: str | None,
    worktree: bool,
    *,
    staged: bool = False,
    only: list[str] | None = None,
    strict: bool = False,
) -> validate.Source:
    """Where to read from. Raises UsageError where more than one of commit, index and working tree is asked for."""
    if worktree and rev is not None:
        raise UsageError("--rev and --worktree exclude each other", help="leave one of them out")
    if staged and (worktree or rev is not None):
        other = "--worktree" if worktree else "--rev"
        raise UsageError(f"--staged and {other} exclude each other", help="leave one of them out")
    stacks = tuple(dict.fromkeys(only or ()))
    return validate.Source(repo or find_work_tree(Path.cwd()), rev or "HEAD", worktree, staged, stacks, strict=strict)


@dataclass(frozen=True)
class Output:
    """Results on standard output, as text or as JSON; progress on standard error."""

    json: bool
    progress_kind: Asked = "auto"
    color: Choice = "auto"
    quiet: bool = False
    verbose: bool = False

    @property
    def paint(self) -> Paint:
        """Colour for results."""
        return Paint(wants_colour(self.color, os.environ, terminal=sys.stdout.isatty()))

    @property
    def width(self) -> int | None:
        """Of the terminal that results go to; None where they do not go to one, and nothing may be cut."""
        return shutil.get_terminal_size().columns if sys.stdout.isatty() else None

    @contextmanager
    def progress(self) -> Iterator[Progress]:
        """What the workflow talks to while it runs. With JSON the plan is a part of the result, not of the progress."""
        terminal = sys.stderr.isatty()
        kind = "quiet" if self.quiet else which(self.progress_kind, os.environ, terminal=terminal)
        paint = Paint(wants_colour(self.color, os.environ, terminal=terminal))
        with closing(open_progress(kind, sys.stderr, paint, verbose=self.verbose, plan=not self.json)) as progress:
            yield progress

    def result(self, text: str, document: object) -> None:
        emit(sys.stdout, encode.to_json(document) if self.json else text)
