"""Machines in, their addresses out: the one that SSH goes to, or the one at which the others reach them."""

from __future__ import annotations

import ipaddress
import socket
from typing import TYPE_CHECKING

from deployer.diff.machines import advertise_address, no_address
from deployer.errors import DeployerError
from deployer.observe.machines import observe_facts
from deployer.remote import Link
from deployer.remote.together import together

if TYPE_CHECKING:
    from collections.abc import Sequence

    from deployer.model.cluster import Cluster, Node

LOOPBACK = "127.0.0.1"


def public_address(node: Node) -> str:
    """Where SSH goes, as an address; the name itself where only ssh_config knows what it means."""
    if node.local:
        return LOOPBACK
    if is_address(node.address):
        return node.address
    try:
        return str(socket.getaddrinfo(node.address, None, type=socket.SOCK_STREAM)[0][4][0])
    except OSError:
        return node.address


def is_address(text: str) -> bool:
    try:
        ipaddress.ip_address(text)
    except ValueError:
        return False
    return True


async def ask_private_addresses(cluster: Cluster, nodes: Sequence[Node]) -> tuple[str, ...]:
    """Return the addresses between machines, all machines asked at once; one whose file says the address is not asked.

    Raises the first failure, so that no script goes on with half of them.
    """
    async with Link(cluster) as link, together() as group:
        asked = [group.create_task(private_address(link, node)) for node in nodes]
    return tuple(task.result() for task in asked)


async def private_address(link: Link, node: Node) -> str:
    """The address of one machine between machines. Raises ConnectionFailedError, or DeployerError where it has none."""
    if node.advertise and is_address(node.advertise):
        return node.advertise
    machine = await observe_facts(link, node.name)
    address = advertise_address(node, machine)
    if address is None:
        blocked = no_address(node, "the other machines cannot reach it")
        raise DeployerError(f"{node.name}: {blocked.reason}", help=blocked.help)
    return address
