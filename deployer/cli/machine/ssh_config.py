"""`deployer machine ssh-config`"""

from __future__ import annotations

from typing import Annotated, Final

import typer

from deployer.cli.options import Repo, Rev, Worktree, source
from deployer.errors import UsageError
from deployer.startup import defer_imports

with defer_imports():
    from deployer.machines import inventory as machines_inventory
    from deployer.machines import ssh_config as file


EXAMPLES: Final = """\b
Examples:
  deployer machine ssh-config
  deployer machine ssh-config --install && eval $(deployer env master) && docker ps
  deployer machine ssh-config --uninstall
"""


def ssh_config(
    *,
    install: Annotated[
        bool, typer.Option("--install", help="Write it to ~/.ssh/deployer, and include that in ~/.ssh/config.")
    ] = False,
    uninstall: Annotated[bool, typer.Option("--uninstall", help="Take both away again.")] = False,
    repo: Repo = None,
    rev: Rev = None,
    worktree: Worktree = False,
) -> None:
    """Print the machines' part of an ssh_config file: users, keys and host keys as git names them.

    With it plain `ssh`, and docker, which starts that for ssh://, get into the machines.
    """
    if install and uninstall:
        raise UsageError("--install and --uninstall exclude each other", help="leave one of them out")
    cluster = machines_inventory.inventory(source(repo, rev, worktree))
    if install:
        file.install(cluster, _say)
    elif uninstall:
        file.uninstall(cluster, _say)
    else:
        typer.echo(file.text(cluster), nl=False)


def _say(line: str) -> None:
    typer.echo(line, err=True)
