"""`deployer machine import`, `deployer machine adopt`"""

from __future__ import annotations

from pathlib import Path  # noqa: TC003 - typer reads the annotations
from typing import Annotated, Final

import typer

from deployer.cli.machine.consent import Commit, Fingerprint, Yes, added_document, added_text, consent, message
from deployer.cli.options import Json, Output, Repo, source
from deployer.errors import DeployerError

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
    from deployer.entry import wait_for  # noqa: PLC0415 - --help does without
    from deployer.machines.adding import Added, survey, write  # noqa: PLC0415 - --help does without
    from deployer.machines.store import default, read_store  # noqa: PLC0415 - see above

    where = source(repo, None, worktree=True)
    found, broken = read_store(store or default())
    wanted = [one.wanted for one in found]
    added: list[Added] = []
    failed: list[str] = list(broken)
    for one in found:
        try:
            added.append(wait_for(survey(where, one.wanted, consent(fingerprint, yes=yes, json=json), beside=wanted)))
        except DeployerError as error:
            if not error.message.startswith(one.wanted.name):
                error.message = f"{one.wanted.name}: {error.message}"
            if len(found) == 1:
                raise
            failed.append(error.message)
    notes = [note for one in found for note in one.notes] + [f"left out: {line}" for line in failed]
    made = write(where, added, message(added, "Import") if commit and added else None) if added else None
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
    from deployer.entry import wait_for  # noqa: PLC0415 - --help does without
    from deployer.machines.adding import survey, write  # noqa: PLC0415 - --help does without
    from deployer.machines.adopting import list_changes, read_as_it_is  # noqa: PLC0415 - see above
    from deployer.machines.node_file import Wanted  # noqa: PLC0415 - see above

    where = source(repo, None, worktree=True)
    wanted = Wanted(name, address, user=ssh_user, port=ssh_port, key=ssh_key, sudo_password=sudo_password)
    added = [wait_for(survey(where, wanted, consent(fingerprint, yes=yes, json=json), read_as_it_is))]
    made = write(where, added, message(added, "Adopt") if commit else None)
    changes = wait_for(list_changes(where, _say, [name]))
    notes = (
        ["deployer apply would change nothing on it"] if not changes else ["deployer apply would do this:", *changes]
    )
    Output(json).result(added_text(added, made, notes), added_document(added, made, notes))


def _say(line: str) -> None:
    typer.echo(line, err=True)
