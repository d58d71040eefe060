"""`deployer machine mount`"""

from __future__ import annotations

from typing import Annotated, Final

import typer

from deployer.cli.options import Repo, Rev, Worktree, source
from deployer.startup import defer_imports

with defer_imports():
    from deployer.machines import copying, enter


EXAMPLES: Final = """\b
Examples:
  deployer machine mount master:/srv ./srv
  deployer machine mount --unmount master:/srv ./srv
"""


def mount(
    place: Annotated[str, typer.Argument(metavar="[USER@]MACHINE:PATH", help="A folder of a machine.")],
    where: Annotated[str | None, typer.Argument(metavar="[FOLDER]", help="Where it is to be. [default: PATH]")] = None,
    *,
    unmount: Annotated[bool, typer.Option("--unmount", "-u", help="Take it away again.")] = False,
    repo: Repo = None,
    rev: Rev = None,
    worktree: Worktree = False,
) -> None:
    """Mount a machine's folder here: sshfs itself, which has to be installed."""
    enter.become(copying.unmount(place, where) if unmount else copying.mount(source(repo, rev, worktree), place, where))
