"""`deployer history`"""

from __future__ import annotations

from typing import Annotated, Final

import typer

from deployer.cli.options import Colour, Json, Output, Repo, top_level

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
    from pathlib import Path  # noqa: PLC0415 - --help does without

    from deployer.memory.history import entries  # noqa: PLC0415 - see above
    from deployer.report.history import history_document, history_text  # noqa: PLC0415 - see above

    output = Output(json, color=color)
    found = entries(repo or top_level(Path.cwd()), number)
    output.result(history_text(found, output.paint, output.width), history_document(found))
