"""`deployer machine env`, and `deployer env`"""

from __future__ import annotations

import os
from typing import Annotated, Final

import typer

from deployer.cli.machine.options import Name, Ssh
from deployer.cli.options import Repo, Rev, Worktree, source
from deployer.errors import UsageError
from deployer.startup import defer_imports

with defer_imports():
    from deployer.certificates import store
    from deployer.machines import endpoint, environment, inventory, shells


EXAMPLES: Final = """\b
Examples:
  eval $(deployer env master)
  eval $(deployer env --unset)
  eval $(deployer env --ssh master)      where engine.tls is on
  deployer machine env --shell fish master
"""


def env(
    name: Name = None,
    *,
    shell: Annotated[
        str | None,
        typer.Option("--shell", metavar="SHELL", help="bash, fish, cmd, powershell, tcsh, emacs. [default: yours]"),
    ] = None,
    unset: Annotated[
        bool, typer.Option("--unset", "-u", help="The lines that take it back; names no machine.")
    ] = False,
    no_proxy: Annotated[bool, typer.Option("--no-proxy", help="Add the machine's address to NO_PROXY.")] = False,
    swarm: Annotated[
        bool, typer.Option("--swarm", help="The swarm's endpoint: the machine must be a manager.")
    ] = False,
    ssh: Ssh = False,
    repo: Repo = None,
    rev: Rev = None,
    worktree: Worktree = False,
) -> None:
    """Print what points docker in this shell at a machine: DOCKER_HOST=ssh://..., or tcp://... where its engine has TLS.

    docker starts `ssh` by itself then, with your own ~/.ssh: `deployer machine ssh-config --install` makes it know what the
    repository knows.
    """
    words = ["deployer env", *(["--shell", shell] if shell else []), *(["--unset"] if unset else [])]
    words += [*(["--swarm"] if swarm else []), *(["--no-proxy"] if no_proxy else [])]
    words += ["--ssh"] if ssh else []
    syntax = shells.shell_of(shell, os.environ)
    if unset:
        if name:
            raise UsageError("--unset names no machine", help="deployer env --unset")
        typer.echo(shells.lines(syntax, environment.NOTHING, " ".join(words)), nl=False)
        return
    cluster, node = inventory.one(source(repo, rev, worktree), name)
    if swarm:
        environment.must_manage(node)
    certificates = None
    if node.tls and not ssh:
        certificates = store.client_folder(cluster.name)
    variables = environment.variables(node, os.environ, no_proxy=no_proxy, certificates=certificates)
    typer.echo(shells.lines(syntax, variables, " ".join((*words, node.name))), nl=False)
    if certificates is None and (unknown := endpoint.stranger(node)):
        typer.echo(f"deployer: {unknown}\n  = help: deployer machine ssh-config --install", err=True)
