"""`deployer machine check`"""

from __future__ import annotations

from typing import Annotated, Final

import typer

from deployer.cli.options import Json, Output, Repo, Rev, Worktree, source
from deployer.startup import defer_imports

with defer_imports():
    from deployer import entry
    from deployer.machines import inventory as machines_inventory
    from deployer.machines import reaching


EXAMPLES: Final = """\b
Examples:
  deployer machine check                 between all machines
  deployer machine check slave           between slave and all others
  deployer machine check --json
"""


def check(
    names: Annotated[
        list[str] | None, typer.Argument(metavar="[NAME]...", help="[default: all]", show_default=False)
    ] = None,
    *,
    json: Json = False,
    repo: Repo = None,
    rev: Rev = None,
    worktree: Worktree = False,
) -> None:
    """Check the ports of the swarm and of Consul between machines, and name each that a firewall shuts.

    2377, 7946 and 4789, 8300 and 8301, 8500, each between those that need it. Where nobody has a port yet, somebody listens
    there for a moment. Exit code 1 where one is closed, 6 where a machine could not be asked.
    """
    where = source(repo, rev, worktree)
    cluster = machines_inventory.choose(where, names)[0] if names else machines_inventory.inventory(where)
    checked = entry.wait_for(reaching.check_ports(cluster, names or ()))
    Output(json).result(reaching.checked_text(checked), reaching.checked_document(cluster, checked))
    if checked.closed or checked.unasked:
        raise typer.Exit(1 if checked.closed else 6)
