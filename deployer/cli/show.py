"""`deployer show`"""

from __future__ import annotations

from json import loads
from pathlib import Path
from typing import Annotated, Final

import typer

from deployer.cli.options import Colour, Json, Output, Repo
from deployer.cli.work_tree import find_work_tree
from deployer.startup import defer_imports

with defer_imports():
    from deployer.memory import files, history
    from deployer.report import history as report

Run = Annotated[
    str, typer.Argument(metavar="[RUN]", help="As `history` names it; a part is enough. [default: the newest]")
]
EXAMPLES: Final = """\b
Examples:
  deployer show
  deployer show 20260822-141503-7f3a
  deployer show 7f3a --json
"""


def show(run: Run = "", *, repo: Repo = None, json: Json = False, color: Colour = "auto") -> None:
    """Show one run: its plan, what became of each step, and the errors."""
    output, where = Output(json, color=color), repo or find_work_tree(Path.cwd())
    entry = history.find(where, run)
    plan, result, document = (
        history.read_kept(where, entry, name) for name in (files.PLAN, files.REPORT, files.REPORT_JSON)
    )
    output.result(
        report.run_text(entry, plan, result, output.paint),
        report.run_document(entry, loads(document) if document else None),
    )
