"""`deployer show`"""

from __future__ import annotations

from typing import Annotated, Final

import typer

from deployer.cli.options import Colour, Json, Output, Repo, top_level

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
    from json import loads  # noqa: PLC0415 - --help does without
    from pathlib import Path  # noqa: PLC0415 - see above

    from deployer.memory import files, history  # noqa: PLC0415 - see above
    from deployer.report.history import run_document, run_text  # noqa: PLC0415 - see above

    output, where = Output(json, color=color), repo or top_level(Path.cwd())
    entry = history.find(where, run)
    plan, report, document = (
        history.kept(where, entry, name) for name in (files.PLAN, files.REPORT, files.REPORT_JSON)
    )
    output.result(
        run_text(entry, plan, report, output.paint), run_document(entry, loads(document) if document else None)
    )
