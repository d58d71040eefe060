"""`deployer sandbox`: a cluster of containers on this machine."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from deployer.errors import DeployerError, UsageError
from deployer.startup import defer_imports

with defer_imports():
    from deployer.sandbox import down as removing
    from deployer.sandbox import engine as local_engine
    from deployer.sandbox import observe, repository, spec, text
    from deployer.sandbox import up as starting

app = typer.Typer(
    no_args_is_help=True,
    help="A cluster of containers on this machine: bare machines to try things on, and a registry.\n\n"
    "Example: deployer sandbox up --repo . && deployer apply",
)
Name = Annotated[
    str, typer.Option("--name", metavar="NAME", help="The sandbox's name; several may stand side by side.")
]
Json = Annotated[bool, typer.Option("--json", help="Print JSON.")]


@app.command()
def up(
    nodes: Annotated[
        int | None, typer.Option(metavar="N", help="How many machines: consul, master, slave, slave2, ... [default: 4]")
    ] = None,
    name: Name = "sandbox",
    subnet: Annotated[
        str | None,
        typer.Option(metavar="SUBNET", help="Their network; by default the first free one from 10.99.0.0/24 on."),
    ] = None,
    repo: Annotated[
        Path | None,
        typer.Option(
            help="Take the machines of DIR/cluster/nodes, and write their addresses and host keys there.", metavar="DIR"
        ),
    ] = None,
    with_engine: Annotated[
        bool, typer.Option("--with-engine", help="New machines have a Docker engine already; without it they are bare.")
    ] = False,
    json: Json = False,
) -> None:
    """Start the machines and the registry.

    Waits until all machines answer over SSH. What is there already stays: run it again at any time.

    Example: deployer sandbox up --nodes 4
    """
    if repo is not None and nodes is not None:
        raise UsageError("--nodes and --repo both say which machines there are", help="leave one of them out")
    machines = (
        repository.repository_machines(repo)
        if repo
        else spec.machine_names(spec.DEFAULT_NODES if nodes is None else nodes)
    )
    sandbox = starting.up(spec.checked(name, machines, subnet, engine=with_engine), _say)
    if repo is not None:
        repository.write_repository(repo, sandbox, _say)
    typer.echo(text.as_json(sandbox) if json else text.table(sandbox))


@app.command()
def status(name: Name = "sandbox", json: Json = False) -> None:
    """Show the machines and whether they answer.

    Example: deployer sandbox status --json
    """
    sandbox = observe.status(name)
    if sandbox is None:
        raise DeployerError(f"there is no sandbox {name}", help=f"deployer sandbox up --name {name}")
    typer.echo(text.as_json(sandbox) if json else text.table(sandbox))


@app.command()
def down(
    name: Name = "sandbox",
    purge: Annotated[
        bool, typer.Option("--purge", help="Remove images, the registry's data and the keys too.")
    ] = False,
) -> None:
    """Remove the machines, their disks and their network.

    Cached images stay, so that the next `up` is quick.

    Example: deployer sandbox down --purge
    """
    removing.down(name, _say, purge=purge)


@app.command()
def engine() -> None:
    """Make Docker usable on this machine.

    Engine, client, compose plugin and buildx are looked for one by one; what is missing comes from Debian's packages
    (as root, on Debian 12 or 13). An engine that runs is never touched.

    Example: deployer sandbox engine
    """
    local_engine.ensure_engine(_say)
    typer.echo(f"Docker {local_engine.engine_version(local_engine.engine_socket())} is there, with compose and buildx.")


def _say(line: str) -> None:
    typer.echo(line, err=True)
