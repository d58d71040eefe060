"""`deployer machine`, or `deployer m`: its commands and their one-line purposes, each imported when it is asked for."""

from __future__ import annotations

from typing import Final

import typer

from deployer.cli.lazy import Command, LazyGroup, help_without_command

COMMANDS: Final = {
    "add": Command("machine.add", "add", "Add a machine that is there: look at it, write its file and its host key."),
    "create": Command("machine.create", "create", "The same with docker-machine's own flags."),
    "import": Command("machine.take_over", "import_", "Add the machines of docker-machine's store."),
    "adopt": Command("machine.take_over", "adopt", "Add a machine that runs already, as it is."),
    "ls": Command("machine.ls", "ls", "List the machines: do they answer, where, which engine."),
    "env": Command("machine.env", "env", "Point docker in this shell at a machine."),
    "ssh": Command("machine.ssh", "ssh", "Enter a machine, or run a command there."),
    "scp": Command("machine.scp", "scp", "Copy between machines, or between one and this one."),
    "mount": Command("machine.mount", "mount", "Mount a machine's folder here, by sshfs."),
    "ssh-config": Command("machine.ssh_config", "ssh_config", "Make your own ssh, and docker's, know the machines."),
    "ip": Command("machine.ip", "ip", "Print a machine's address, or with --private the one between machines."),
    "url": Command("machine.show", "url", "Print the endpoint of a machine's engine."),
    "config": Command("machine.show", "config", "Print the options with which docker speaks to a machine."),
    "status": Command("machine.show", "status", "Print one word: Running, Stopped, Timeout, Error."),
    "active": Command("machine.show", "active", "Print the machine that docker speaks to in this shell."),
    "inspect": Command("machine.show", "inspect", "Print what git says of a machine as JSON."),
    "version": Command("machine.show", "version", "Print the version of a machine's engine."),
    "logs": Command("machine.logs", "logs", "Show the engine's own log on a machine."),
    "check": Command("machine.check", "check", "Check that no firewall is between the machines."),
    "provision": Command("machine.provision", "provision", "Make machines what git says: an apply of these alone."),
    "restart": Command("machine.restart", "restart", "Reboot machines, or their engines; one by one with --rolling."),
    "upgrade": Command("machine.upgrade", "upgrade", "Upgrade the Docker engine, one machine by one with --rolling."),
    "regenerate-certs": Command(
        "machine.certs", "regenerate_certs", "New certificates for engines that listen for TLS."
    ),
    "stop": Command("machine.power", "stop", "Switch machines off."),
    "kill": Command("machine.power", "kill", "Switch machines off at once, as if their cables were pulled."),
    "start": Command("machine.power", "start", "Say whether machines run: SSH cannot switch one on."),
    "rm": Command("machine.rm", "rm", "Take a machine out of the swarm, of Consul and of git; say what stays."),
    "promote": Command("machine.roles", "promote", "Make machines managers: in git, and done."),
    "demote": Command("machine.roles", "demote", "Make managers workers: in git, and done."),
    "drain": Command("machine.roles", "drain", "Take machines out of service: in git, and done."),
    "pause": Command("machine.roles", "pause", "Give machines no new tasks: in git, and done."),
    "activate": Command("machine.roles", "activate", "Put machines back into service: in git, and done."),
}

EXAMPLES: Final = """\b
Examples:
  deployer machine ls
  deployer machine ssh master
  eval $(deployer env master)
"""


class Commands(LazyGroup):
    table = COMMANDS


app = typer.Typer(cls=Commands, rich_markup_mode=None, epilog=EXAMPLES)


@app.callback(invoke_without_command=True)
def machine(context: typer.Context) -> None:
    """The machines of cluster/nodes/, one by one: what docker-machine did, over SSH and from git."""
    help_without_command(context)
