"""`deployer machine add`"""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any, Final, get_args

import typer

from deployer.cli.machine.consent import Commit, Fingerprint, Yes, added_document, added_text, consent, message
from deployer.cli.options import Json, Output, Repo, source
from deployer.errors import UsageError
from deployer.model.cluster import ConsulRole, Install, Role
from deployer.startup import defer_imports

if TYPE_CHECKING:
    from collections.abc import Iterable

with defer_imports():
    from deployer import entry
    from deployer.machines import adding, node_file


EXAMPLES: Final = """\b
Examples:
  deployer machine add web1 --address 203.0.113.10 --swarm manager
  deployer machine add web2 --address web2 --swarm worker --advertise eth1 --label zone=par1 --commit
  deployer machine add web3 --address 203.0.113.12 --fingerprint SHA256:2f9n... --json
"""


def add(
    name: Annotated[str, typer.Argument(metavar="NAME", help="What it is to be called.")],
    *,
    address: Annotated[
        str, typer.Option("--address", metavar="HOST", help="Where SSH reaches it; an alias of ssh's, too.")
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
    swarm: Annotated[str, typer.Option("--swarm", metavar="ROLE", help="manager, worker or none.")] = "none",
    advertise: Annotated[
        str | None, typer.Option("--advertise", metavar="WHERE", help="Interface or address for the other machines.")
    ] = None,
    label: Annotated[
        list[str] | None, typer.Option("--label", metavar="KEY=VALUE", help="For placement; several times.")
    ] = None,
    consul: Annotated[str | None, typer.Option("--consul", metavar="ROLE", help="server or agent.")] = None,
    install: Annotated[
        str | None, typer.Option("--install", metavar="HOW", help="distro, docker or none. [default: the cluster's]")
    ] = None,
    fingerprint: Fingerprint = None,
    yes: Yes = False,
    commit: Commit = False,
    repo: Repo = None,
    json: Json = False,
) -> None:
    """Write a machine's file and its host key, after a look at the machine, which is left as it is.

    Its host key's fingerprint is shown and has to be agreed to. Where the machine cannot be reached, or could not be worked
    with, nothing is written. `deployer apply` then makes of it what the file says.
    """
    wanted = node_file.Wanted(
        name,
        address,
        _one_of("--swarm", swarm, Role),
        ssh_user,
        ssh_port,
        ssh_key,
        advertise,
        labels=pairs("--label", label or ()),
        consul=_one_of("--consul", consul, ConsulRole) if consul else None,
        install=_one_of("--install", install, Install) if install else None,
        sudo_password=sudo_password,
    )
    where = source(repo, None, worktree=True)
    added = [entry.wait_for(adding.survey(where, wanted, consent(fingerprint, yes=yes, json=json)))]
    made = adding.write(where, added, message(added, "Add") if commit else None)
    Output(json).result(added_text(added, made), added_document(added, made))


def _one_of(option: str, word: str, words: Any) -> Any:
    if word not in get_args(words):
        raise UsageError(f"{option} {word!r} is none of {', '.join(get_args(words))}")
    return word


def pairs(option: str, given: Iterable[str]) -> dict[str, str]:
    """`KEY=VALUE` each. Raises UsageError."""
    found: dict[str, str] = {}
    for text in given:
        key, equal, value = text.partition("=")
        if not equal or not key:
            raise UsageError(f"{option} {text!r} is no KEY=VALUE")
        found[key] = value
    return found
