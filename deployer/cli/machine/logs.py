"""`deployer machine logs`"""

from __future__ import annotations

from typing import Annotated, Final

import typer

from deployer.cli.machine.options import Name
from deployer.cli.options import Repo, Rev, Worktree, source
from deployer.startup import defer_imports

with defer_imports():
    from deployer.machines import enter


EXAMPLES: Final = """\b
Examples:
  deployer machine logs master
  deployer machine logs --follow slave
  deployer machine logs --since '1 hour ago' --lines 1000 slave
"""


def logs(
    name: Name = None,
    *,
    follow: Annotated[bool, typer.Option("--follow", "-f", help="Go on as it grows, until Ctrl-C.")] = False,
    lines: Annotated[int, typer.Option("--lines", "-n", min=0, help="At most so many of the last lines.")] = 100,
    since: Annotated[str | None, typer.Option("--since", metavar="WHEN", help="As journalctl understands it.")] = None,
    repo: Repo = None,
    rev: Rev = None,
    worktree: Worktree = False,
) -> None:
    """Show the Docker engine's own log on a machine: why it did not start, which images it could not pull."""
    enter.become(enter.logs(source(repo, rev, worktree), name, lines=lines, follow=follow, since=since))
