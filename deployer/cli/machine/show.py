"""`deployer machine url`, `config`, `status`, `active`, `inspect`, `version`: one word or one document about a machine."""

from __future__ import annotations

import os
from typing import Annotated, Final

import typer

from deployer import __version__
from deployer.cli.machine.options import Name, Ssh
from deployer.cli.names import machines
from deployer.cli.options import Repo, Rev, Worktree, source
from deployer.errors import DeployerError
from deployer.startup import defer_imports

with defer_imports():
    from deployer import entry
    from deployer.certificates import store
    from deployer.machines import endpoint as machines_endpoint
    from deployer.machines import environment, inspection, listing
    from deployer.machines import inventory as machines_inventory


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
    typer.echo(machines_endpoint.endpoint(machines_inventory.one(source(repo, rev, worktree), name)[1], ssh=ssh))


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
    cluster, node = machines_inventory.one(source(repo, rev, worktree), name)
    if swarm:
        environment.must_manage(node)
    if node.tls and not ssh:
        folder = store.client_folder(cluster.name)
        typer.echo(
            f'--tlsverify\n--tlscacert="{folder}/ca.pem"\n--tlscert="{folder}/cert.pem"\n--tlskey="{folder}/key.pem"'
        )
    typer.echo(f"-H={machines_endpoint.endpoint(node, ssh=ssh)}")


def status(
    name: Name = None, *, timeout: Seconds = 10.0, repo: Repo = None, rev: Rev = None, worktree: Worktree = False
) -> None:
    """Print one word: Running, Stopped, Timeout, or Error where it answers and does not let you in."""
    cluster, node = machines_inventory.one(source(repo, rev, worktree), name)
    found = entry.wait_for(listing.ask_machines(cluster, [node], os.environ, timeout))[0]
    typer.echo(found.state)
    if found.error:
        typer.echo(f"deployer: {found.error}" + (f"\n  = help: {found.help}" if found.help else ""), err=True)


def active(*, repo: Repo = None, rev: Rev = None, worktree: Worktree = False) -> None:
    """Print the machine that docker speaks to in this shell: the one that DOCKER_HOST means."""
    node = machines_endpoint.active(machines_inventory.inventory(source(repo, rev, worktree)).nodes, os.environ)
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
    typer.echo(inspection.inspect_machine(machines_inventory.one(source(repo, rev, worktree), name)[1], form))


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
        typer.echo(f"deployer {__version__}")
        return

    cluster, node = machines_inventory.one(source(repo, rev, worktree), name)
    typer.echo(entry.wait_for(listing.ask_engine_version(cluster, node, timeout)))
