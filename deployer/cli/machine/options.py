"""The arguments that the machine commands share."""

from __future__ import annotations

from typing import Annotated

import typer

from deployer.cli.names import machines

Names = Annotated[
    list[str] | None,
    typer.Argument(
        metavar="[NAME]...", autocompletion=machines, help='[default: "default", or the only one]', show_default=False
    ),
]
Name = Annotated[
    str | None,
    typer.Argument(
        metavar="[NAME]", autocompletion=machines, help='[default: "default", or the only one]', show_default=False
    ),
]
Ssh = Annotated[bool, typer.Option("--ssh", help="By SSH, where engine.tls is on, too.")]
