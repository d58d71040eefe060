"""`deployer machine scp`"""

from __future__ import annotations

from typing import Annotated, Final

import typer

from deployer.cli.options import Repo, Rev, Worktree, source
from deployer.startup import defer_imports

with defer_imports():
    from deployer.machines import copying, enter


EXAMPLES: Final = """\b
Examples:
  deployer machine scp compose.yaml master:/tmp/
  deployer machine scp --recursive master:/var/log slave:/tmp/
  deployer machine scp --delta --recursive site/ admin@slave:/srv/site/
"""
Where = "[[USER@]MACHINE:]PATH"


def scp(
    origin: Annotated[str, typer.Argument(metavar=Where, help="What is copied.")],
    target: Annotated[str, typer.Argument(metavar=Where, help="Where to.")],
    *,
    recursive: Annotated[bool, typer.Option("--recursive", "-r", help="Folders with all that is in them.")] = False,
    delta: Annotated[bool, typer.Option("--delta", "-d", help="What differs alone, by rsync.")] = False,
    quiet: Annotated[bool, typer.Option("--quiet", "-q", help="No progress.")] = False,
    repo: Repo = None,
    rev: Rev = None,
    worktree: Worktree = False,
) -> None:
    """Copy between this machine and others, or from one to another through this one: scp and rsync themselves.

    `localhost:PATH` is a file of this machine, too.
    """
    places = (origin, target)
    enter.become(copying.scp(source(repo, rev, worktree), places, recursive=recursive, delta=delta, quiet=quiet))
