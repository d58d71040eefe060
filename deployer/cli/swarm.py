"""`deployer swarm`: tokens, certificates, keys, and a swarm that lost its managers."""

from __future__ import annotations

from typing import Final

import typer

from deployer.cli.lazy import Command, LazyGroup, help_without_command

COMMANDS: Final = {
    "status": Command("swarm_state", "status", "Show members, managers and how long certificates are valid."),
    "rotate-tokens": Command("swarm_keys", "rotate_tokens", "Make new join tokens: the old ones let nobody in."),
    "rotate-ca": Command("swarm_keys", "rotate_ca", "Make a new root certificate, and wait for every member's."),
    "autolock": Command("swarm_keys", "autolock", "Lock managers that restart until they are given a key, or not."),
    "unlock-key": Command("swarm_keys", "unlock_key", "Print the unlock key, or write it into a file."),
    "unlock": Command("swarm_keys", "unlock", "Give a locked manager its key."),
    "recover": Command(
        "swarm_state", "recover", "Start the swarm anew from one manager: its majority is gone for good."
    ),
}

EXAMPLES: Final = """\b
Examples:
  deployer swarm status
  deployer swarm rotate-tokens
  deployer swarm recover master
"""


class Commands(LazyGroup):
    table = COMMANDS


app = typer.Typer(cls=Commands, rich_markup_mode=None, epilog=EXAMPLES)


@app.callback(invoke_without_command=True)
def swarm(context: typer.Context) -> None:
    """The swarm of the cluster: tokens, certificates, keys. Roles and labels stand in cluster/nodes/."""
    help_without_command(context)
