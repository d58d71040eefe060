"""`deployer machine`, or `deployer m`: its commands and their one-line purposes, each imported when it is asked for."""

from __future__ import annotations

from typing import Final

import typer

from deployer.cli.lazy import Command, LazyGroup, help_without_command

COMMANDS: Final = {
    "ip": Command("machine.ip", "ip", "Print a machine's address, or with --private the one between machines."),
}

EXAMPLES: Final = """\b
Examples:
  deployer machine ip master
"""


class Commands(LazyGroup):
    table = COMMANDS


app = typer.Typer(cls=Commands, rich_markup_mode=None, epilog=EXAMPLES)


@app.callback(invoke_without_command=True)
def machine(context: typer.Context) -> None:
    """The machines of cluster/nodes/, one by one: what docker-machine did, over SSH and from git."""
    help_without_command(context)
