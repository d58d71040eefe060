"""`deployer machine ip`"""

from __future__ import annotations

from typing import Annotated, Final

import typer

from deployer.cli.machine.options import Names  # noqa: TC001 - typer reads the annotations
from deployer.cli.options import Repo, Rev, Worktree, source

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
    from deployer.entry import wait_for  # noqa: PLC0415 - --help does without
    from deployer.machines.addresses import ask_private_addresses, public_address  # noqa: PLC0415 - --help does without
    from deployer.machines.inventory import chosen  # noqa: PLC0415 - see above

    cluster, nodes = chosen(source(repo, rev, worktree), names or ())
    for address in wait_for(ask_private_addresses(cluster, nodes)) if private else map(public_address, nodes):
        typer.echo(address)
