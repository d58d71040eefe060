"""`deployer doctor`"""

from __future__ import annotations

from pathlib import Path
from typing import Final

import typer

from deployer.cli.options import Colour, Json, Output, Repo
from deployer.cli.work_tree import find_work_tree
from deployer.startup import defer_imports

with defer_imports():
    from deployer import doctor as machine
    from deployer.report import doctor as report

EXAMPLES: Final = """\b
Examples:
  deployer doctor
  deployer doctor --repo /srv/git/cluster.git
  deployer doctor --json
"""


def doctor(*, repo: Repo = None, json: Json = False, color: Colour = "auto") -> None:
    """Say what this machine has of what deployer builds on, what is missing, and what that means.

    Nothing is changed, and no other machine is asked. Exit code 1 where something is missing.
    """
    output = Output(json=json, color=color)
    checks = machine.examine(repo or find_work_tree(Path.cwd()))
    output.result(report.doctor_text(checks, output.paint, output.width), report.doctor_document(checks))
    raise typer.Exit(any(check.state == "missing" for check in checks))
