"""`deployer services`"""

from __future__ import annotations

from typing import Annotated, Final

import typer

from deployer.cli.options import Colour, Json, Output, ProgressKind, Quiet, Repo, Rev, Verbose, Worktree, source
from deployer.startup import defer_imports

with defer_imports():
    from deployer import entry
    from deployer.report import services as report
    from deployer.workflow import consul

Names = Annotated[list[str] | None, typer.Argument(metavar="[NAME]...", help="Only these services. [default: all]")]
EXAMPLES: Final = """\b
Examples:
  deployer services
  deployer services web redis
  deployer services --quiet | grep critical
  deployer services --json
"""


def services(
    names: Names = None,
    *,
    repo: Repo = None,
    rev: Rev = None,
    worktree: Worktree = False,
    json: Json = False,
    progress: ProgressKind = "auto",
    color: Colour = "auto",
    quiet: Quiet = False,
    verbose: Verbose = False,
) -> None:
    """Show what Consul's catalogue says runs: every instance, where it is, and its health.

    INSTANCES counts those that pass all checks, of all. NODE is the machine that has the address.
    """
    output = Output(json, progress, color, quiet, verbose)
    with output.progress() as shown:
        found = entry.wait_for(consul.services(source(repo, rev, worktree), shown.say, tuple(names or ())))
    output.result(report.services_text(found, output.paint, output.width), report.services_document(found))
