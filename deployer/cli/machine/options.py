"""The arguments that the machine commands share."""

from __future__ import annotations

from typing import Annotated

import typer

Names = Annotated[
    list[str] | None,
    typer.Argument(metavar="[NAME]...", help='[default: "default", or the only one]', show_default=False),
]
Name = Annotated[
    str | None, typer.Argument(metavar="[NAME]", help='[default: "default", or the only one]', show_default=False)
]
Ssh = Annotated[bool, typer.Option("--ssh", help="By SSH, where engine.tls is on, too.")]
