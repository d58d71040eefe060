"""`deployer machine import`, `deployer machine adopt`"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Final

import typer

from deployer.cli.machine.consent import Commit, Fingerprint, Yes, added_document, added_text, consent, message
from deployer.cli.options import Json, Output, Repo, source
from deployer.errors import DeployerError
from deployer.startup import defer_imports

with defer_imports():
    from deployer import entry
    from deployer.machines import adding, adopting, node_file
    from deployer.machines import store as machines_store


EXAMPLES: Final = """\b
Examples:
  deployer machine import
  deployer machine import ~/backup/machine --yes --commit
  deployer machine adopt old1 --address 203.0.113.10 --ssh-user admin
"""


def import_(
    store: Annotated[
        Path | None, typer.Argument(metavar="[FOLDER]", help="[default: $MACHINE_STORAGE_PATH, or ~/.docker/machine]")
    ] = None,
    *,
    fingerprint: Fingerprint = None,
    yes: Yes = False,
    commit: Commit = False,
    repo: Repo = None,
    json: Json = False,
) -> None:
    """Write a file for each machine of docker-machine's store: address, user, port, key, labels, engine options, role.

    Keys are not copied: the files name them. What cannot be taken over is said. Machines that do not answer are left out, and
    named; the store and the machines stay as they are.
    """
    where = source(repo, None, worktree=True)
    found, broken = machines_store.read_store(store or machines_store.default())
    wanted = [one.wanted for one in found]
    added: list[adding.Added] = []
    failed: list[str] = list(broken)
    for one in found:
        try:
            added.append(
                entry.wait_for(
                    adding.survey(where, one.wanted, consent(fingerprint, yes=yes, json=json), beside=wanted)
                )
            )
        except DeployerError as error:
            if not error.message.startswith(one.wanted.name):
                error.message = f"{one.wanted.name}: {error.message}"
            if len(found) == 1:
                raise
            failed.append(error.message)
    notes = [note for one in found for note in one.notes] + [f"left out: {line}" for line in failed]
    made = adding.write(where, added, message(added, "Import") if commit and added else None) if added else None
    Output(json).result(added_text(added, made, notes), added_document(added, made, notes))
    raise typer.Exit(1 if failed else 0)


def adopt(
    name: Annotated[str, typer.Argument(metavar="NAME", help="What it is to be called.")],
    *,
    address: Annotated[
        str, typer.Option("--address", metavar="HOST", help="Where SSH reaches it; `local` is this one.")
    ],
    ssh_user: Annotated[str | None, typer.Option("--ssh-user", metavar="USER", help="[default: the cluster's]")] = None,
    ssh_key: Annotated[
        str | None, typer.Option("--ssh-key", metavar="FILE", help="A private key; it stays where it is.")
    ] = None,
    ssh_port: Annotated[
        int | None, typer.Option("--ssh-port", min=1, max=65535, metavar="PORT", help="[default: 22]")
    ] = None,
    sudo_password: Annotated[
        bool,
        typer.Option(
            "--sudo-password", help="Sudo asks for one there: on the terminal, or DEPLOYER_SUDO_PASSWORD_FILE."
        ),
    ] = False,
    fingerprint: Fingerprint = None,
    yes: Yes = False,
    commit: Commit = False,
    repo: Repo = None,
    json: Json = False,
) -> None:
    """Write a file that says of a machine what it is: its place in the swarm, its labels, its engine, its daemon.json.

    Nothing is restarted, installed or written there; its containers go on. What `deployer apply` would change all the same is
    said: nothing, or what the cluster's files ask of every machine.
    """
    where = source(repo, None, worktree=True)
    wanted = node_file.Wanted(name, address, user=ssh_user, port=ssh_port, key=ssh_key, sudo_password=sudo_password)
    added = [
        entry.wait_for(adding.survey(where, wanted, consent(fingerprint, yes=yes, json=json), adopting.read_as_it_is))
    ]
    made = adding.write(where, added, message(added, "Adopt") if commit else None)
    changes = entry.wait_for(adopting.list_changes(where, _say, [name]))
    notes = (
        ["deployer apply would change nothing on it"] if not changes else ["deployer apply would do this:", *changes]
    )
    Output(json).result(added_text(added, made, notes), added_document(added, made, notes))


def _say(line: str) -> None:
    typer.echo(line, err=True)
