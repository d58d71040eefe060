"""`deployer init`"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Final

import typer

from deployer.startup import defer_imports

with defer_imports():
    from deployer.source import scaffold

Directory = Annotated[Path, typer.Argument(metavar="[DIR]", file_okay=False, help="Made if it is not there.")]
EXAMPLES: Final = """\b
Examples:
  deployer init my-cluster
  cd my-cluster && deployer plan
"""


def init(directory: Directory = Path()) -> None:
    """Lay out a new repository, with comments that teach: this machine, and one stack.

    A directory that is in no git repository becomes one, with a first commit. No file is ever overwritten.
    """
    made = scaffold.lay_out(directory)
    typer.echo("\n".join(f"{directory / path}" for path in made.written))
    typer.echo(scaffold.next_steps(made), err=True)
