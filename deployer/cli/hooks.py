"""`deployer hooks`: git's hooks, into a repository and out again."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated, Literal

import typer

from deployer.report.stream import tell
from deployer.startup import defer_imports

with defer_imports():
    from deployer.hooks import install as files

app = typer.Typer(
    no_args_is_help=True,
    help="Git's hooks: check what is committed, deploy what is pushed.\n\nExample: deployer hooks install",
)
Repo = Annotated[
    Path | None, typer.Argument(metavar="[REPO]", exists=True, file_okay=False, help="[default: the one you are in]")
]
Gate = Annotated[
    Literal["apply", "none"] | None,
    typer.Option(
        "--gate", metavar="WHEN", help="apply: a push is accepted when its deploy has succeeded; none: before."
    ),
]


Allow = Annotated[
    list[str] | None,
    typer.Option(
        "--allow",
        metavar="WHAT",
        help="What pushed files may name on this machine: local, a key file's full path, the address or id of a key "
        "service; once for each.",
    ),
]


@app.command()
def install(
    repo: Repo = None,
    *,
    server: Annotated[bool, typer.Option("--server", help="The hooks of a repository that is pushed to.")] = False,
    gate: Gate = None,
    allow: Allow = None,
) -> None:
    """Put the hooks in place: pre-commit, or with --server pre-receive and post-receive.

    A hook that is there already is kept and runs first. With --server the settings that pushes need are made, and said.

    Example: deployer hooks install --server --gate apply /srv/git/cluster.git
    """
    files.install(
        repo or Path.cwd(), _say, server=server or gate is not None or bool(allow), gate=gate, allow=allow or ()
    )


@app.command()
def uninstall(repo: Repo = None) -> None:
    """Take the hooks out, and give back the hooks and settings that were there before.

    Example: deployer hooks uninstall
    """
    files.uninstall(repo or Path.cwd(), _say)


def _say(line: str) -> None:
    tell(sys.stdout, f"{line}\n")
