"""`deployer machine ip`"""

from __future__ import annotations

from typing import Annotated, Final

import typer

from deployer.cli.machine.options import Names
from deployer.cli.options import Repo, Rev, Worktree, source
from deployer.startup import defer_imports

with defer_imports():
    from deployer import entry
    from deployer.machines import addresses, inventory


EXAMPLES: Final = """\b
Examples:
  deployer machine ip master
  deployer machine ip --private master slave
"""


def ip(
    names: Names = None,
    *,
    private: Annotated[
        bool, typer.Option("--private", help="The address at which the other machines reach it, asked of the machine.")
    ] = False,
    repo: Repo = None,
    rev: Rev = None,
    worktree: Worktree = False,
) -> None:
    """Print the address of each machine, one a line."""
    cluster, nodes = inventory.choose(source(repo, rev, worktree), names or ())
    for address in (
        entry.wait_for(addresses.ask_private_addresses(cluster, nodes))
        if private
        else map(addresses.public_address, nodes)
    ):
        typer.echo(address)
