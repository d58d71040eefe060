"""`deployer machine url`, `config`, `status`, `active`, `inspect`, `version`: one word or one document about a machine."""

from __future__ import annotations

import os
from typing import Annotated, Final

import typer

from deployer.cli.machine.options import Name, Ssh  # noqa: TC001 - typer reads the annotations
from deployer.cli.names import machines
from deployer.cli.options import Repo, Rev, Worktree, source
from deployer.errors import DeployerError

EXAMPLES: Final = """\b
Examples:
  docker $(deployer machine config master) ps
  deployer machine inspect --format '{{.Driver.IPAddress}}' master
  deployer machine status master
  deployer machine version master
"""
Seconds = Annotated[float, typer.Option("--timeout", "-t", min=0.1, metavar="SECONDS", help="How long it may take.")]


def url(name: Name = None, *, ssh: Ssh = False, repo: Repo = None, rev: Rev = None, worktree: Worktree = False) -> None:
    """Print the endpoint of a machine's engine, as DOCKER_HOST takes it."""
    from deployer.machines.endpoint import endpoint  # noqa: PLC0415 - --help does without
    from deployer.machines.inventory import one  # noqa: PLC0415 - see above

    typer.echo(endpoint(one(source(repo, rev, worktree), name)[1], ssh=ssh))


def config(
    name: Name = None,
    *,
    swarm: Annotated[bool, typer.Option("--swarm", help="The machine must be a swarm manager.")] = False,
    ssh: Ssh = False,
    repo: Repo = None,
    rev: Rev = None,
    worktree: Worktree = False,
) -> None:
    """Print the options with which docker's client speaks to a machine's engine."""
    from deployer.machines.endpoint import endpoint  # noqa: PLC0415 - --help does without
    from deployer.machines.environment import must_manage  # noqa: PLC0415 - see above
    from deployer.machines.inventory import one  # noqa: PLC0415 - see above

    cluster, node = one(source(repo, rev, worktree), name)
    if swarm:
        must_manage(node)
    if node.tls and not ssh:
        from deployer.certificates.store import client_folder  # noqa: PLC0415 - costs something, and is for TLS only

        folder = client_folder(cluster.name)
        typer.echo(
            f'--tlsverify\n--tlscacert="{folder}/ca.pem"\n--tlscert="{folder}/cert.pem"\n--tlskey="{folder}/key.pem"'
        )
    typer.echo(f"-H={endpoint(node, ssh=ssh)}")


def status(
    name: Name = None, *, timeout: Seconds = 10.0, repo: Repo = None, rev: Rev = None, worktree: Worktree = False
) -> None:
    """Print one word: Running, Stopped, Timeout, or Error where it answers and does not let you in."""
    from deployer.entry import wait_for  # noqa: PLC0415 - --help does without
    from deployer.machines.inventory import one  # noqa: PLC0415 - --help does without
    from deployer.machines.listing import ask_machines  # noqa: PLC0415 - see above

    cluster, node = one(source(repo, rev, worktree), name)
    found = wait_for(ask_machines(cluster, [node], os.environ, timeout))[0]
    typer.echo(found.state)
    if found.error:
        typer.echo(f"deployer: {found.error}" + (f"\n  = help: {found.help}" if found.help else ""), err=True)


def active(*, repo: Repo = None, rev: Rev = None, worktree: Worktree = False) -> None:
    """Print the machine that docker speaks to in this shell: the one that DOCKER_HOST means."""
    from deployer.machines.endpoint import active as current  # noqa: PLC0415 - --help does without
    from deployer.machines.inventory import inventory  # noqa: PLC0415 - see above

    node = current(inventory(source(repo, rev, worktree)).nodes, os.environ)
    if node is None:
        raise DeployerError("No active host found", help="eval $(deployer env NAME) makes one active")
    typer.echo(node.name)


def inspect(
    name: Name = None,
    *,
    form: Annotated[
        str | None,
        typer.Option("--format", "-f", metavar="TEMPLATE", help="A Go template; json and prettyjson are there."),
    ] = None,
    repo: Repo = None,
    rev: Rev = None,
    worktree: Worktree = False,
) -> None:
    """Print what git says of a machine as JSON, in docker-machine's form and names as far as they mean something."""
    from deployer.machines.inspection import inspected  # noqa: PLC0415 - --help does without
    from deployer.machines.inventory import one  # noqa: PLC0415 - see above

    typer.echo(inspected(one(source(repo, rev, worktree), name)[1], form))


def version(
    name: Annotated[
        str | None, typer.Argument(metavar="[NAME]", autocompletion=machines, help="[default: deployer itself]")
    ] = None,
    *,
    timeout: Seconds = 10.0,
    repo: Repo = None,
    rev: Rev = None,
    worktree: Worktree = False,
) -> None:
    """Print the version of a machine's engine; without a name, deployer's own."""
    if name is None:
        from deployer import __version__  # noqa: PLC0415 - beside its only use

        typer.echo(f"deployer {__version__}")
        return
    from deployer.entry import wait_for  # noqa: PLC0415 - --help does without
    from deployer.machines.inventory import one  # noqa: PLC0415 - --help does without
    from deployer.machines.listing import ask_engine_version  # noqa: PLC0415 - see above

    cluster, node = one(source(repo, rev, worktree), name)
    typer.echo(wait_for(ask_engine_version(cluster, node, timeout)))
