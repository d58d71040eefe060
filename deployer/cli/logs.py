"""`deployer logs`"""

from __future__ import annotations

import sys
import time
from typing import Annotated, Final

import typer

from deployer.cli.names import stacks
from deployer.cli.options import Colour, Json, Output, Repo, Rev, Worktree, seconds, source
from deployer.report.stream import emit
from deployer.startup import defer_imports

with defer_imports():
    from deployer import entry
    from deployer.model import running as model
    from deployer.report import encode
    from deployer.report import running as report
    from deployer.workflow import running

Target = Annotated[
    str, typer.Argument(metavar="STACK[/SERVICE]", autocompletion=stacks, help="A stack, or one service of it.")
]
Follow = Annotated[bool, typer.Option("--follow", "-f", help="Go on with what comes, until Ctrl-C.")]
Tail = Annotated[int | None, typer.Option("--tail", "-n", min=0, metavar="N", help="The last N lines of each task.")]
Since = Annotated[
    float | None, typer.Option("--since", parser=seconds, metavar="DURATION", help="Not older than that: 90s, 10m, 2h.")
]
Timestamps = Annotated[bool, typer.Option("--timestamps", "-t", help="The time before each line.")]
EXAMPLES: Final = """\b
Examples:
  deployer logs shop
  deployer logs shop/web --follow --tail 10
  deployer logs shop --since 10m --timestamps | grep -i error
  deployer logs shop --json | jq -r .text
"""


def logs(
    target: Target,
    *,
    follow: Follow = False,
    tail: Tail = None,
    since: Since = None,
    timestamps: Timestamps = False,
    repo: Repo = None,
    rev: Rev = None,
    worktree: Worktree = False,
    json: Json = False,
    color: Colour = "auto",
) -> None:
    """Show what a stack's tasks wrote, from every machine: a line a record, machine/task before it.

    In the order of time; with --follow as it comes. Also of tasks that failed, as long as Swarm keeps their containers.
    """
    stack, _, service = target.partition("/")
    output = Output(json, "quiet", color)
    paint, width = output.paint, 0

    def tell(record: model.LogRecord) -> None:
        nonlocal width
        width = max(width, len(record.node) + len(record.task) + 1)
        if json:
            emit(sys.stdout, encode.to_json(report.record_document(record), indent=None))
        else:
            emit(sys.stdout, report.record_text(record, paint, timestamps=timestamps, width=width))

    query = model.LogQuery(stack, service, follow, tail, time.time() - since if since else 0.0)
    missing = entry.wait_for(running.logs(source(repo, rev, worktree), query, tell))
    for line in missing:
        emit(sys.stderr, f"warning: {line}\n")
    raise typer.Exit(1 if missing else 0)
