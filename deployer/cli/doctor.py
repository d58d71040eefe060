"""`deployer doctor`"""

from __future__ import annotations

from pathlib import Path
from typing import Final

import typer

from deployer.cli.options import Colour, Json, Output, Repo, top_level

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
    from deployer.doctor import examine  # noqa: PLC0415 - --help does without
    from deployer.report.doctor import doctor_document, doctor_text  # noqa: PLC0415 - as above

    output = Output(json=json, color=color)
    checks = examine(repo or top_level(Path.cwd()))
    output.result(doctor_text(checks, output.paint, output.width), doctor_document(checks))
    raise typer.Exit(any(check.state == "missing" for check in checks))
