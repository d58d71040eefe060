"""`deployer machine ls`"""

from __future__ import annotations

import os
from typing import Annotated, Final

import typer

from deployer.cli.options import Json, Output, Repo, Rev, Worktree, source
from deployer.startup import defer_imports

with defer_imports():
    from deployer import entry
    from deployer.machines import inventory as machines_inventory
    from deployer.machines import listed, listing


EXAMPLES: Final = """\b
Examples:
  deployer machine ls
  deployer machine ls --quiet --filter name='^web'
  deployer machine ls --filter state=Stopped --timeout 3
  deployer machine ls --format 'table {{.Name}}\\t{{.URL}}\\t{{.ResponseTime}}'
  deployer machine ls --json
"""


def ls(
    *,
    quiet: Annotated[bool, typer.Option("--quiet", "-q", help="Names only; no machine is asked.")] = False,
    filters: Annotated[
        list[str] | None,
        typer.Option("--filter", metavar="KEY=VALUE", help="name (a regular expression), state, driver, swarm, label."),
    ] = None,
    timeout: Annotated[
        float, typer.Option("--timeout", "-t", min=0.1, metavar="SECONDS", help="How long any one machine may take.")
    ] = 10.0,
    form: Annotated[
        str | None, typer.Option("--format", "-f", metavar="TEMPLATE", help="A Go template, `table ...` for columns.")
    ] = None,
    json: Json = False,
    repo: Repo = None,
    rev: Rev = None,
    worktree: Worktree = False,
) -> None:
    """List the machines: do they answer, where, which engine.

    All are asked at once, so that a dead one costs its own time-out and holds nothing else up. Several filters of one
    kind widen the choice, those of different kinds narrow it.
    """
    chosen = listed.read_filters(filters or ())
    cluster = machines_inventory.inventory(source(repo, rev, worktree))
    nodes = listed.filter_nodes(chosen, cluster.nodes)
    if quiet and not {"state", "swarm"} & set(chosen):
        typer.echo("".join(f"{node.name}\n" for node in nodes), nl=False)
        return
    machines = listed.filter_machines(chosen, entry.wait_for(listing.ask_machines(cluster, nodes, os.environ, timeout)))
    shown = "{{.Name}}" if quiet else form
    Output(json).result(listed.listing_text(machines, shown), listed.listing_document(cluster.name, machines))
