"""`deployer runs`, `deployer attach`, `deployer cancel`"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated, Final

import typer

from deployer.cli.options import Colour, Json, Output, Repo
from deployer.cli.work_tree import find_work_tree

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
    from deployer.memory.runs import processes  # noqa: PLC0415 - --help does without
    from deployer.report.runs import runs_document, runs_text  # noqa: PLC0415 - see above

    output = Output(json, color=color)
    known = processes(_folder(repo))
    shown = [one for one in known if one.alive] + [one for one in known if not one.alive]
    output.result(runs_text(shown[:number], output.paint, output.width), runs_document(shown[:number]))


def attach(run: Run = "", *, repo: Repo = None) -> None:
    """Follow a run to its end, and end with its exit code. Ctrl-C ends the following, not the run."""
    from deployer.memory.runs import find, follow  # noqa: PLC0415 - --help does without
    from deployer.report.stream import silence  # noqa: PLC0415 - see above

    folder = _folder(repo)
    one = find(folder, run)
    if not one.logged:
        typer.echo(f"run {one.run} ({one.via} by {one.who}) tells its progress where it was started", err=True)

    def write(data: bytes) -> None:
        try:
            sys.stdout.buffer.write(data)
            sys.stdout.buffer.flush()
        except BrokenPipeError:
            silence(sys.stdout)
            raise typer.Exit(0) from None

    ended = follow(folder, one, write)
    typer.echo(f"run {ended.run} {ended.state}{f': {ended.text}' if ended.text else ''}", err=True)
    raise typer.Exit(1 if ended.code is None else ended.code)


def cancel(run: Run = "", *, repo: Repo = None) -> None:
    """End a run cleanly: what it does is let end, nothing else begins. It goes on with the next apply or push.

    A run that only waits ends at once. Only what really is that run is touched.
    """
    from deployer.memory.runs import cancel as interrupt  # noqa: PLC0415 - --help does without
    from deployer.memory.runs import find  # noqa: PLC0415 - see above

    folder = _folder(repo)
    one = find(folder, run)
    interrupt(folder, one)
    typer.echo(f"interrupted run {one.run}, which is {one.state}: deployer attach {one.run}")


def _folder(repo: Path | None) -> Path:
    from deployer.memory.runs import folder_of  # noqa: PLC0415 - --help does without

    return folder_of(repo or find_work_tree(Path.cwd()))
