"""`deployer context sync` and `rm`"""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Final

import typer

from deployer.cli.options import Json, Output, Repo, Rev, Worktree, source
from deployer.errors import GuardRefusedError
from deployer.startup import defer_imports

if TYPE_CHECKING:
    from collections.abc import Sequence

    from deployer.machines.contexts import Done
    from deployer.model.cluster import Cluster

with defer_imports():
    from deployer.machines import contexts, endpoint, inventory
    from deployer.report import table as report

EXAMPLES: Final = """\b
Examples:
  deployer machine ssh-config --install     docker's own ssh gets in
  deployer context sync                     sandbox, sandbox-master, sandbox-slave, ...
  docker --context sandbox-master ps
  docker context use sandbox && docker service ls
"""

app = typer.Typer(
    no_args_is_help=True,
    rich_markup_mode=None,
    epilog=EXAMPLES,
    help="Contexts of Docker's own client: `docker --context CLUSTER-MACHINE ps`.",
)


@app.command(epilog=EXAMPLES)
def sync(
    *,
    prune: Annotated[
        bool, typer.Option("--prune", help="Remove those that deployer made for machines that git no longer has.")
    ] = False,
    prefix: Annotated[
        str | None,
        typer.Option(
            "--prefix", metavar="TEXT", help="Before the machines' names. [default: the cluster's name and -]"
        ),
    ] = None,
    repo: Repo = None,
    rev: Rev = None,
    worktree: Worktree = False,
    json: Json = False,
) -> None:
    """Make a docker context for each machine, and one for the cluster: its first manager.

    A context of the same name that deployer did not make for this cluster stays as it is, and the exit code is 5.
    """
    cluster = inventory.inventory(source(repo, rev, worktree))
    done = contexts.sync(cluster, prefix, prune=prune)
    _show(cluster, done, json=json)
    if any(one.state == "left over" for one in done):
        typer.echo("note: git has no machine for what is left over; --prune removes it", err=True)
    if unknown := next(filter(None, map(endpoint.stranger, cluster.nodes)), ""):
        typer.echo(f"deployer: {unknown}\n  = help: deployer machine ssh-config --install", err=True)
    if foreign := [one.name for one in done if one.state == "foreign"]:
        raise GuardRefusedError(
            f"not made by deployer for {cluster.name}, and left as it is: the context {', '.join(foreign)}",
            help="give another --prefix, or `docker context rm` it",
        )


@app.command(epilog="\b\nExamples:\n  deployer context rm\n  deployer context rm --json\n")
def rm(*, repo: Repo = None, rev: Rev = None, worktree: Worktree = False, json: Json = False) -> None:
    """Remove every context that deployer made for this cluster.

    Where one of them was in use, docker is back at the engine of this machine.
    """
    cluster = inventory.inventory(source(repo, rev, worktree))
    _show(cluster, contexts.remove(cluster), json=json)


def _show(cluster: Cluster, done: Sequence[Done], *, json: bool) -> None:
    lines = report.table(("NAME", "STATE", "ENDPOINT"), [(one.name, one.state, one.endpoint) for one in done])
    text = "\n".join(lines) + "\n" if done else "no context\n"
    Output(json).result(text, contexts.contexts_document(cluster, done))
