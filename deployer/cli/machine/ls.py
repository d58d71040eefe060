"""`deployer machine ls`"""

from __future__ import annotations

import os
from typing import Annotated, Final

import typer

from deployer.cli.options import Json, Output, Repo, Rev, Worktree, source

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
    from deployer.entry import wait_for  # noqa: PLC0415 - --help does without
    from deployer.machines import listed  # noqa: PLC0415 - --help does without
    from deployer.machines.inventory import inventory  # noqa: PLC0415 - see above
    from deployer.machines.listing import ask_machines  # noqa: PLC0415 - see above

    chosen = listed.read_filters(filters or ())
    cluster = inventory(source(repo, rev, worktree))
    nodes = listed.before(chosen, cluster.nodes)
    if quiet and not {"state", "swarm"} & set(chosen):
        typer.echo("".join(f"{node.name}\n" for node in nodes), nl=False)
        return
    machines = listed.after(chosen, wait_for(ask_machines(cluster, nodes, os.environ, timeout)))
    shown = "{{.Name}}" if quiet else form
    Output(json).result(listed.listing_text(machines, shown), listed.listing_document(cluster.name, machines))
