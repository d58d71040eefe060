"""`deployer schema`"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any, Final

import typer

from deployer.errors import UsageError
from deployer.startup import defer_imports

with defer_imports():
    from deployer.report import schemas as documents
    from deployer.source import schemas

Name = Annotated[
    str | None,
    typer.Argument(
        metavar="[NAME]",
        help="A kind of file (cluster, node, stack), or a document by its `type` (plan, report, status, ...). "
        "[default: all kinds of files]",
    ),
]
Out = Annotated[
    Path | None, typer.Option("--out", metavar="DIR", file_okay=False, help="Write NAME.json files there instead.")
]
EXAMPLES: Final = """\b
Examples:
  deployer schema node
  deployer schema plan                        of what `deployer plan --json` prints
  deployer schema --out .deployer/schemas     where `deployer init` has them
"""


def schema(name: Name = None, *, out: Out = None) -> None:
    """Print the JSON Schemas of the repository's files, or of what `--json` prints.

    Editors complete and check with them: put `# yaml-language-server: $schema=PATH` at the top of a file.
    """
    made: dict[str, dict[str, Any]] = {kind: schemas.schema(kind) for kind in schemas.KINDS}
    if name is not None:
        made = {name: made[name] if name in made else _document_schema(name)}
    if out is not None:
        for path in schemas.write(out, made):
            typer.echo(path)
    else:
        typer.echo(schemas.text(made[name] if name else made), nl=False)


def _document_schema(name: str) -> dict[str, Any]:
    if name not in documents.DOCUMENTS:
        raise UsageError(
            f"there is no schema {name!r}", help=f"there are {', '.join((*schemas.KINDS, *documents.DOCUMENTS))}"
        )
    return documents.document_schema(name)
