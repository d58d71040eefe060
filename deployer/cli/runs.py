"""`deployer runs`, `deployer attach`, `deployer cancel`"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated, Final

import typer

from deployer.cli.options import Colour, Json, Output, Repo
from deployer.cli.work_tree import find_work_tree
from deployer.startup import defer_imports

with defer_imports():
    from deployer.memory import runs as memory_runs
    from deployer.report import runs as report_runs
    from deployer.report import stream


Run = Annotated[
    str,
    typer.Argument(metavar="[RUN]", help="As `runs` names it; a part is enough. [default: the newest that goes on]"),
]
Count = Annotated[int, typer.Option("-n", "--number", min=1, max=200, metavar="N", help="So many runs at most.")]
EXAMPLES: Final = """\b
Examples:
  deployer runs                  what waits and runs, and what ran last, on this machine from this repository
  deployer runs --json
  deployer attach                follow the one that goes on
  deployer cancel 7f3a           let it end what it does, and begin nothing else
"""


def runs(*, number: Count = 20, repo: Repo = None, json: Json = False, color: Colour = "auto") -> None:
    """Show the runs of this machine from this repository: those that wait and run, and the last that ended.

    What runs had to do, and those of other machines: `deployer history`.
    """
    output = Output(json, color=color)
    known = memory_runs.processes(_folder(repo))
    shown = [one for one in known if one.alive] + [one for one in known if not one.alive]
    output.result(
        report_runs.runs_text(shown[:number], output.paint, output.width), report_runs.runs_document(shown[:number])
    )


def attach(run: Run = "", *, repo: Repo = None) -> None:
    """Follow a run to its end, and end with its exit code. Ctrl-C ends the following, not the run."""
    folder = _folder(repo)
    one = memory_runs.find(folder, run)
    if not one.logged:
        typer.echo(f"run {one.run} ({one.via} by {one.who}) tells its progress where it was started", err=True)

    def write(data: bytes) -> None:
        try:
            sys.stdout.buffer.write(data)
            sys.stdout.buffer.flush()
        except BrokenPipeError:
            stream.silence(sys.stdout)
            raise typer.Exit(0) from None

    ended = memory_runs.follow(folder, one, write)
    typer.echo(f"run {ended.run} {ended.state}{f': {ended.text}' if ended.text else ''}", err=True)
    raise typer.Exit(1 if ended.code is None else ended.code)


def cancel(run: Run = "", *, repo: Repo = None) -> None:
    """End a run cleanly: what it does is let end, nothing else begins. It goes on with the next apply or push.

    A run that only waits ends at once. Only what really is that run is touched.
    """
    folder = _folder(repo)
    one = memory_runs.find(folder, run)
    memory_runs.cancel(folder, one)
    typer.echo(f"interrupted run {one.run}, which is {one.state}: deployer attach {one.run}")


def _folder(repo: Path | None) -> Path:
    return memory_runs.folder_of(repo or find_work_tree(Path.cwd()))
