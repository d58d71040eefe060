"""`deployer schema`"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Final, Literal

import typer

Name = Annotated[
    Literal["cluster", "node", "stack"] | None,
    typer.Argument(metavar="[cluster|node|stack]", help="The kind of file. [default: all of them]"),
]
Out = Annotated[
    Path | None, typer.Option("--out", metavar="DIR", file_okay=False, help="Write NAME.json files there instead.")
]
EXAMPLES: Final = """\b
Examples:
  deployer schema node
  deployer schema --out .deployer/schemas     where `deployer init` has them
"""


def schema(name: Name = None, *, out: Out = None) -> None:
    """Print the JSON Schemas of the repository's files.

    Editors complete and check with them: put `# yaml-language-server: $schema=PATH` at the top of a file.
    """
    from deployer.source import schemas  # noqa: PLC0415 - --help does without

    made = {kind: schemas.schema(kind) for kind in ((name,) if name else schemas.KINDS)}
    if out is not None:
        for path in schemas.write(out, made):
            typer.echo(path)
    else:
        typer.echo(schemas.text(made[name] if name else made), nl=False)
