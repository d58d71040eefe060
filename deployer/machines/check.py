"""A machine's facts in, why it cannot be taken and what is to be known about it out. Read only, and pure."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from deployer.diff.machines import advertise_address
from deployer.errors import DeployerError
from deployer.model.observed import Engine, Silent

if TYPE_CHECKING:
    from collections.abc import Iterator

    from deployer.model.cluster import Node
    from deployer.model.observed import Machine

DEBIANS: Final = frozenset({"debian", "ubuntu"})
ARCHITECTURES: Final = {
    "distro": frozenset({"x86_64", "aarch64", "armv7l", "i686", "ppc64le", "s390x", "riscv64", "mips64"}),
    "docker": frozenset({"x86_64", "aarch64", "armv7l"}),
}
"""Debian's ports that have `docker.io`, and those that download.docker.com has packages for."""


def refuse(node: Node, machine: Machine) -> None:
    """Raise DeployerError where deployer could not work on this machine, with the one thing to do about it."""
    if not machine.privileged:
        user = node.ssh.user or "the user"
        raise DeployerError(
            f"{node.name}: {user} is not root there, and sudo asks for a password",
            help=f"put `{node.ssh.user or 'USER'} ALL=(ALL) NOPASSWD: ALL` into a file in /etc/sudoers.d there, "
            "or add --sudo-password, or name another user with --ssh-user",
        )
    if isinstance(machine.engine, Silent):
        raise DeployerError(
            f"{node.name}: its Docker engine does not answer: {machine.engine.reason}",
            help="look at `journalctl -u docker` there",
        )
    if machine.engine is None and node.engine.install != "none":
        if not DEBIANS & {machine.os.id, *machine.os.like}:
            raise DeployerError(
                f"{node.name}: Docker can be installed on Debian and Ubuntu only, and this is {machine.os.name or 'unknown'}",
                help="install Docker there by hand, and add --install none",
            )
        if machine.architecture not in ARCHITECTURES[node.engine.install]:
            raise DeployerError(
                f"{node.name}: there are no packages of Docker for {machine.architecture}",
                help="install Docker there by hand, and add --install none",
            )
    if machine.engine is None and node.engine.install == "none":
        raise DeployerError(
            f"{node.name}: it has no Docker engine, and is not to get one", help="leave --install none out"
        )
    if node.role != "none" and advertise_address(node, machine) is None:
        there = ", ".join(sorted({interface for interface, _ in machine.interfaces})) or "none"
        raise DeployerError(
            f"{node.name}: it has no interface {node.advertise}"
            if node.advertise
            else f"{node.name}: which address the others reach it at cannot be told",
            help=f"--advertise names an interface or an address; there are {there}",
        )


def describe_machine(node: Node, machine: Machine) -> Iterator[str]:
    """Lines on what was found."""
    yield f"{machine.os.name or 'an unknown system'}, {machine.architecture}"
    match machine.engine:
        case Engine(version, membership, _, _):
            place = (
                f"{'a manager' if membership.manager else 'a worker'} of a swarm"
                if membership.state == "active"
                else "no swarm"
            )
            yield f"Docker {version} runs there, in {place}: it stays as it is"
        case _:
            yield f"Docker is not there; `deployer apply` installs it (engine.install: {node.engine.install})"
    if address := advertise_address(node, machine):
        yield f"the other machines reach it at {address}"
