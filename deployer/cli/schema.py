"""`deployer schema`"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any, Final

import typer

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
    from deployer.source import schemas  # noqa: PLC0415 - --help does without

    made: dict[str, dict[str, Any]] = {kind: schemas.schema(kind) for kind in schemas.KINDS}
    if name is not None:
        made = {name: made[name] if name in made else _document_schema(name)}
    if out is not None:
        for path in schemas.write(out, made):
            typer.echo(path)
    else:
        typer.echo(schemas.text(made[name] if name else made), nl=False)


def _document_schema(name: str) -> dict[str, Any]:
    from deployer.errors import UsageError  # noqa: PLC0415 - see above
    from deployer.report.schemas import DOCUMENTS, document_schema  # noqa: PLC0415 - see above
    from deployer.source.schemas import KINDS  # noqa: PLC0415 - see above

    if name not in DOCUMENTS:
        raise UsageError(f"there is no schema {name!r}", help=f"there are {', '.join((*KINDS, *DOCUMENTS))}")
    return document_schema(name)
