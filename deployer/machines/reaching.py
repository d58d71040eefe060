"""Machines in, which of the swarm's and Consul's ports are open between them out."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import TYPE_CHECKING

from deployer.errors import DeployerError
from deployer.machines.addresses import private_address
from deployer.model.ports import ports_between
from deployer.remote import Link
from deployer.remote.ports import Way, complaints, look
from deployer.report.machines import PortsDocument, UnaskedMachine, WayDocument

if TYPE_CHECKING:
    from collections.abc import Sequence

    from deployer.model.cluster import Cluster, Node
    from deployer.remote.ports import Found


@dataclass(frozen=True)
class Checked:
    """`unasked`: machines that could not be asked, each with the reason."""

    found: tuple[Found, ...]
    unasked: tuple[tuple[str, str], ...]

    @property
    def closed(self) -> bool:
        return any(one.state == "closed" for one in self.found)


async def check_ports(cluster: Cluster, names: Sequence[str]) -> Checked:
    """Try every port between these machines and all others, both ways; without names between all of them."""
    async with Link(cluster) as link:
        asked = await asyncio.gather(*(_address(link, node) for node in cluster.nodes))
        addresses = {node.name: said for node, said in zip(cluster.nodes, asked, strict=True) if isinstance(said, str)}
        unasked = [
            (node.name, said.message)
            for node, said in zip(cluster.nodes, asked, strict=True)
            if isinstance(said, DeployerError)
        ]
        ways = _ways(cluster, addresses, set(names or addresses))
        machines = {name for way in ways for name in (way.origin, way.target)}
        connections = {name: await link.to(name) for name in sorted(machines)}
        return Checked(await look(connections, ways, {way.target for way in ways}), tuple(unasked))


async def _address(link: Link, node: Node) -> str | DeployerError:
    try:
        address = await private_address(link, node)
        await link.to(node.name)  # its file may say the address
    except DeployerError as error:
        return error
    return address


def _ways(cluster: Cluster, addresses: dict[str, str], meant: set[str]) -> list[Way]:
    nodes = [node for node in cluster.nodes if node.name in addresses]
    return [
        Way(one.name, other.name, addresses[other.name], port)
        for one in nodes
        for other in nodes
        if one is not other and meant & {one.name, other.name}
        for port in ports_between(cluster, one, other)
    ]


def checked_text(checked: Checked) -> str:
    """Each closed port by name; what could not be told, and why; and how many are open."""
    lines = [f"{line}: open it in the firewalls" for line in complaints(checked.found)]
    lines += [f"{name} could not be asked: {reason}" for name, reason in checked.unasked]
    unknown: dict[str, int] = {}
    for one in checked.found:
        if one.state == "unknown":
            unknown[one.why] = unknown.get(one.why, 0) + 1
    lines += [f"{count} not told: {why}" for why, count in sorted(unknown.items())]
    opened = sum(one.state == "open" for one in checked.found)
    return "\n".join((*lines, f"{opened} of {len(checked.found)} ways between machines are open")) + "\n"


def checked_document(cluster: Cluster, checked: Checked) -> PortsDocument:
    ways = (
        WayDocument(
            one.way.origin, one.way.target, one.way.address, *one.way.port, state=one.state, reason=one.why or None
        )
        for one in checked.found
    )
    unasked = tuple(UnaskedMachine(name, reason) for name, reason in checked.unasked)
    return PortsDocument(cluster=cluster.name, ways=tuple(ways), unasked=unasked)
