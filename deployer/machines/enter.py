"""A machine in, the command that enters it out: OpenSSH's own programs, which this process then becomes."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING, NoReturn

from deployer.errors import DeployerError
from deployer.machines import quick
from deployer.machines.inventory import no_local, one
from deployer.model.command import Command
from deployer.remote.openssh import Reach, no_ssh, reach

if TYPE_CHECKING:
    from collections.abc import Sequence

    from deployer.model.cluster import Cluster, Node
    from deployer.workflow.validate import Source

_JOURNAL = 'if [ "$(id -u)" = 0 ]; then exec "$@"; else exec sudo -n -- "$@"; fi'


def become(argv: Sequence[str]) -> NoReturn:
    """Replace this process by that program. Raises DeployerError where it is not there."""
    sys.stdout.flush()
    try:
        os.execvp(argv[0], list(argv))
    except FileNotFoundError:
        raise no_ssh() if argv[0] == "ssh" else DeployerError(f"there is no `{argv[0]}` on this machine") from None
    except OSError as error:
        raise DeployerError(f"`{argv[0]}` cannot be run: {error.strerror}") from None


def way_in(cluster: Cluster, node: Node) -> Reach:
    """How OpenSSH reaches the machine. Raises DeployerError for the machine that this runs on."""
    if node.local:
        raise no_local(node, "which needs no SSH")
    return reach(node, cluster.known_hosts)


def ssh(source: Source, name: str | None) -> tuple[str, ...]:
    """`ssh` and its options for a machine; what is to run there comes after them, as with `ssh HOST`.

    What was found out is kept for the next time: see quick.py.
    """
    cluster, node = one(source, name)
    way = way_in(cluster, node)
    argv = ("ssh", *way.arguments, way.destination)
    place = quick.head(str(Path.cwd()))
    if place and not source.worktree and source.rev == "HEAD" and source.repo == Path(place[0]):
        quick.keep(*place, node.name, argv, way.files)
    return argv


def logs(source: Source, name: str | None, *, lines: int, follow: bool, since: str | None) -> tuple[str, ...]:
    """The engine's own journal on a machine (journalctl(1)), by sudo where the user is not root."""
    cluster, node = one(source, name)
    wanted = ["journalctl", "--unit=docker.service", "--no-pager", f"--lines={lines}", "--output=short-iso"]
    wanted += ["--follow"] if follow else []
    wanted += [f"--since={since}"] if since else []
    if node.local:
        return tuple(wanted)

    way = way_in(cluster, node)
    asks = node.ssh.sudo == "password"  # on the terminal, as it does by hand
    script = _JOURNAL.replace("sudo -n", "sudo") if asks else _JOURNAL
    options = ("-t", *way.arguments) if asks else way.arguments
    return ("ssh", *options, way.destination, "--", Command(("sh", "-c", script, "sh", *wanted)).shell())
