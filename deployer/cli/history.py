"""`deployer history`"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Final

import typer

from deployer.cli.options import Colour, Json, Output, Repo
from deployer.cli.work_tree import find_work_tree
from deployer.startup import defer_imports

with defer_imports():
    from deployer.memory import history as memory
    from deployer.report import history as report

Count = Annotated[int, typer.Option("-n", "--number", min=1, max=1000, metavar="N", help="So many runs at most.")]
EXAMPLES: Final = """\b
Examples:
  deployer history
  deployer history -n 3 --json
  git log --first-parent refs/deployer/CLUSTER/history       the same, as git tells it
  git fetch origin 'refs/deployer/*:refs/deployer/*'         the history of the repository that is pushed to
"""


def history(*, number: Count = 20, repo: Repo = None, json: Json = False, color: Colour = "auto") -> None:
    """Show what ran: which commit, how it ended, who asked for it and why. The newest first.

    Runs are kept in the repository that they ran from.
    """
    output = Output(json, color=color)
    found = memory.entries(repo or find_work_tree(Path.cwd()), number)
    output.result(report.history_text(found, output.paint, output.width), report.history_document(found))
