"""`deployer machine ssh`"""

from __future__ import annotations

from typing import Annotated, Final

import typer

from deployer.cli.machine.options import Name
from deployer.cli.options import Repo, Rev, Worktree, source
from deployer.startup import defer_imports

with defer_imports():
    from deployer.machines import enter


SETTINGS: Final = {"allow_interspersed_args": False}
"""What stands behind the name is for ssh and for the machine."""

EXAMPLES: Final = """\b
Examples:
  deployer machine ssh master
  deployer machine ssh master docker ps
  deployer machine ssh master -L 8500:127.0.0.1:8500
"""


def ssh(
    name: Name = None,
    command: Annotated[
        list[str] | None, typer.Argument(metavar="[COMMAND]...", help="What to run there. [default: a shell]")
    ] = None,
    *,
    repo: Repo = None,
    rev: Rev = None,
    worktree: Worktree = False,
) -> None:
    """Enter a machine, or run a command there: OpenSSH itself, with the user, key and host keys that git names.

    What ~/.ssh/config says (ProxyJump, agents, control sockets) holds as with `ssh`. Options go before the machine's name;
    ssh's own go behind it.
    """
    enter.become((*enter.ssh(source(repo, rev, worktree), name), *(command or ())))
