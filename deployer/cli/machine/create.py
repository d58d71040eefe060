"""`deployer machine create`"""

from __future__ import annotations

from typing import Annotated, Final

import typer

from deployer.cli.machine.consent import Commit, Fingerprint, Yes, added_document, added_text, consent, message
from deployer.cli.options import Json, Output, Repo, source
from deployer.errors import UsageError
from deployer.startup import defer_imports

with defer_imports():
    from deployer import entry
    from deployer.machines import adding
    from deployer.machines import create as machines_create


EXAMPLES: Final = """\b
Examples:
  deployer machine create --driver generic --generic-ip-address 203.0.113.10 --generic-ssh-user admin web1
  deployer machine create -d generic --generic-ip-address 203.0.113.11 --swarm --swarm-master master
"""
Text = Annotated[str | None, typer.Option(metavar="TEXT", help="Says what takes its place.")]
Texts = Annotated[list[str] | None, typer.Option(metavar="TEXT", help="Says what takes its place.")]


def create(
    name: Annotated[str, typer.Argument(metavar="NAME", help="What it is to be called.")],
    *,
    driver: Annotated[str, typer.Option("--driver", "-d", envvar="MACHINE_DRIVER", help="generic.")] = "generic",
    generic_ip_address: Annotated[
        str | None, typer.Option(envvar="GENERIC_IP_ADDRESS", metavar="HOST", help="Where SSH reaches it.")
    ] = None,
    generic_ssh_user: Annotated[str | None, typer.Option(envvar="GENERIC_SSH_USER", metavar="USER")] = None,
    generic_ssh_key: Annotated[
        str | None, typer.Option(envvar="GENERIC_SSH_KEY", metavar="FILE", help="It stays where it is.")
    ] = None,
    generic_ssh_port: Annotated[
        int | None, typer.Option(envvar="GENERIC_SSH_PORT", min=1, max=65535, metavar="PORT")
    ] = None,
    generic_engine_port: Annotated[str | None, typer.Option(envvar="GENERIC_ENGINE_PORT", metavar="PORT")] = None,
    engine_install_url: Annotated[
        str | None, typer.Option(envvar="MACHINE_DOCKER_INSTALL_URL", metavar="URL", help="Docker's own, or none.")
    ] = None,
    engine_opt: Annotated[
        list[str] | None, typer.Option(metavar="FLAG=VALUE", help="An option of dockerd, for daemon.json.")
    ] = None,
    engine_label: Annotated[list[str] | None, typer.Option(metavar="KEY=VALUE")] = None,
    engine_env: Annotated[
        list[str] | None, typer.Option(metavar="NAME=VALUE", help="Says what takes its place.")
    ] = None,
    engine_insecure_registry: Annotated[list[str] | None, typer.Option(metavar="HOST")] = None,
    engine_registry_mirror: Annotated[list[str] | None, typer.Option(metavar="URL")] = None,
    engine_storage_driver: Text = None,
    swarm: Annotated[bool, typer.Option("--swarm", help="A worker of the swarm.")] = False,
    swarm_master: Annotated[bool, typer.Option("--swarm-master", help="A manager of it.")] = False,
    swarm_addr: Annotated[str | None, typer.Option(metavar="ADDRESS", help="For the other machines.")] = None,
    swarm_discovery: Text = None,
    swarm_image: Text = None,
    swarm_strategy: Text = None,
    swarm_host: Text = None,
    swarm_opt: Texts = None,
    swarm_join_opt: Texts = None,
    swarm_experimental: Annotated[bool, typer.Option("--swarm-experimental")] = False,
    tls_san: Texts = None,
    fingerprint: Fingerprint = None,
    yes: Yes = False,
    commit: Commit = False,
    repo: Repo = None,
    json: Json = False,
) -> None:
    """The same as add, with docker-machine's own flags: what they mean today is written, for the rest is said what takes its place.

    Nothing is installed yet, and the host keeps its name: `deployer apply` makes of it what the file says.
    """
    if driver != "generic":
        raise UsageError(
            f"the driver {driver} makes machines, and deployer takes those that are there",
            help="make it with the provider's own tools, then --driver generic --generic-ip-address HOST",
        )
    if not generic_ip_address:
        raise UsageError("--generic-ip-address is missing", help="it says where SSH reaches the machine")
    without = (
        ("generic-engine-port", generic_engine_port),
        ("tls-san", tls_san),
        ("swarm-discovery", swarm_discovery),
        ("swarm-image", swarm_image),
        ("swarm-strategy", swarm_strategy),
        ("swarm-host", swarm_host),
        ("swarm-opt", swarm_opt),
        ("swarm-join-opt", swarm_join_opt),
        ("swarm-experimental", swarm_experimental),
    )
    made = machines_create.create_machine(
        machines_create.Flags(
            name,
            generic_ip_address,
            generic_ssh_user,
            generic_ssh_key,
            generic_ssh_port,
            engine_install_url,
            tuple(engine_opt or ()),
            tuple(engine_label or ()),
            tuple(engine_env or ()),
            tuple(engine_insecure_registry or ()),
            tuple(engine_registry_mirror or ()),
            engine_storage_driver,
            swarm,
            swarm_master,
            swarm_addr,
            machines_create.others(without),
        )
    )
    where = source(repo, None, worktree=True)
    added = [entry.wait_for(adding.survey(where, made.wanted, consent(fingerprint, yes=yes, json=json)))]
    told = adding.write(where, added, message(added, "Add") if commit else None)
    Output(json).result(added_text(added, told, made.notes), added_document(added, told, made.notes))
