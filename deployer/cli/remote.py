"""`deployer remote`: repositories that are pushed to."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer

from deployer.cli.hooks import Allow, Gate
from deployer.report.stream import tell
from deployer.startup import defer_imports

with defer_imports():
    from deployer.hooks import install, pushed

app = typer.Typer(
    no_args_is_help=True,
    help="Repositories that deploy what is pushed to them.\n\nExample: deployer remote init /srv/git/cluster.git",
)


@app.callback()
def remote() -> None:
    """Repositories that deploy what is pushed to them."""


@app.command()
def init(
    path: Annotated[Path, typer.Argument(metavar="PATH", help="A folder that is not there yet, or a bare repository.")],
    *,
    branch: Annotated[str, typer.Option("--branch", metavar="NAME", help="The branch that is deployed.")] = "main",
    gate: Gate = None,
    allow: Allow = None,
) -> None:
    """Make a bare repository that is ready for pushes.

    Example: deployer remote init --allow ~/.ssh/id_ed25519 /srv/git/cluster.git && git push /srv/git/cluster.git main
    """
    install.remote_init(path, pushed.branch_name(branch), lambda line: tell(sys.stdout, f"{line}\n"), gate, allow or ())
