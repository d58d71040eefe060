"""`deployer ps`"""

from __future__ import annotations

import time
from typing import Annotated, Final

import typer

from deployer.cli.names import stacks
from deployer.cli.options import Colour, Json, Output, Repo, Rev, Worktree, source
from deployer.startup import defer_imports

with defer_imports():
    from deployer import entry
    from deployer.report import running as report
    from deployer.workflow import running

StackName = Annotated[
    str | None,
    typer.Argument(metavar="[STACK]", autocompletion=stacks, help="Only this stack. [default: all that runs]"),
]
Everything = Annotated[bool, typer.Option("--all", "-a", help="What ended or failed, too.")]
EXAMPLES: Final = """\b
Examples:
  deployer ps
  deployer ps shop --all
  deployer ps | grep '(unhealthy)'
  deployer ps --json
"""


def ps(
    stack: StackName = None,
    *,
    everything: Everything = False,
    repo: Repo = None,
    rev: Rev = None,
    worktree: Worktree = False,
    json: Json = False,
    color: Colour = "auto",
) -> None:
    """Show what runs on every machine: docker ps for the whole cluster, each as machine/container.

    Tasks of Swarm that have no container yet say what they wait for. Machines that do not answer are named.
    """
    output = Output(json, "quiet", color)
    found = entry.wait_for(running.ps(source(repo, rev, worktree), stack or "", everything=everything))
    output.result(report.running_text(found, output.paint, time.time(), output.width), report.running_document(found))
