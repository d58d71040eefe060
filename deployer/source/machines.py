"""Validate the machines together: what no file alone can tell."""

from __future__ import annotations

import ipaddress
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from deployer.model.problem import Problem
from deployer.source.layout import NODES

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from deployer.document import Document
    from deployer.model.cluster import Engine, NodeFile, Ssh

_DEFAULT_PORT = 22
CONSUL_SERVERS = (1, 3, 5)


@dataclass(frozen=True)
class Machine:
    """One machine's file, and its sections over the cluster's."""

    name: str
    document: Document
    file: NodeFile
    ssh: Ssh
    engine: Engine

    @property
    def local(self) -> bool:
        return self.file.address == "local"

    def line(self, key: str) -> str:
        """Where a key of its file stands: `cluster/nodes/a.yaml:3`."""
        problem = self.document.problem((key,), "")
        return f"{problem.path}:{problem.line}"


def alone_and_together(machines: Sequence[Machine]) -> Iterator[Problem]:
    """Addresses: each by itself, and no two alike. Holds for the machines at hand, whatever else there may be."""
    endpoints: dict[tuple[str, int], Machine] = {}
    advertised: dict[str, Machine] = {}
    for machine in machines:
        document, address, advertise = machine.document, machine.file.address, machine.file.advertise
        problem = _address_problem(address)
        if problem is not None:
            yield document.problem(("address",), *problem)
        # Two ports of one address are two machines behind it; the engine of this machine is one, though.
        endpoint = _same(address), 0 if machine.local else machine.ssh.port or _DEFAULT_PORT
        other = endpoints.setdefault(endpoint, machine)
        if other is not machine:
            what = "is this machine" if machine.local else f"has the address {address}"
            message = f"{machine.name} {what}, as {other.name} is ({other.line('address')})"
            yield document.problem(("address",), message, "give each machine its own address")
        if advertise is not None:
            problem = _advertise_problem(advertise, alone=len(machines) == 1)
            if problem is not None:
                yield document.problem(("advertise",), *problem)
            other = advertised.setdefault(_same(advertise), machine) if _is_ip(advertise) else machine
            if other is not machine:
                message = f"{machine.name} advertises {advertise}, as {other.name} does ({other.line('advertise')})"
                yield document.problem(
                    ("advertise",), message, "name the address that this machine has, or an interface"
                )


def roles(machines: Sequence[Machine], *, stacks: bool) -> Iterator[Problem]:
    """Who is in the swarm. Holds only where all machines' files could be read."""
    managers = [machine for machine in machines if machine.file.swarm == "manager"]
    workers = [machine for machine in machines if machine.file.swarm == "worker"]
    if workers and not managers:
        message = f"no machine is a swarm manager, so {', '.join(one.name for one in workers[:5])} can join none"
        yield workers[0].document.problem(("swarm",), message, "give one machine `swarm: manager`")
    elif stacks and not managers:
        yield Problem(
            NODES.rstrip("/"), 0, 0, "no machine is a swarm manager, and stacks need one", "give one `swarm: manager`"
        )
    if managers and len(managers) % 2 == 0:
        message = f"{len(managers)} managers survive no more failures than {len(managers) - 1}"
        yield managers[-1].document.problem(("swarm",), message, "use 1, 3 or 5 managers", severity="warning")
    for machine in machines:
        others = [one for one in machines if one is not machine and one.file.swarm != "none"]
        if machine.local and machine.file.advertise is None and machine.file.swarm != "none" and others:
            message = f"{machine.name} is `local`, so {others[0].name} cannot know at which address to reach it"
            yield machine.document.problem(
                ("address",), message, "add `advertise:` with an interface or address of this machine"
            )


def consul(machines: Sequence[Machine], cluster: Document, *, wanted: bool) -> Iterator[Problem]:
    """The section and its servers belong together. Holds only where all machines' files could be read.

    An even number survives no more failures than the odd one below it, and more than five only makes writing slower
    (developer.hashicorp.com/consul, "Consensus protocol", deployment table).
    """
    users = [machine for machine in machines if machine.file.consul]
    servers = [machine for machine in machines if machine.file.consul == "server"]
    if wanted and not servers:
        message = "consul has no machine to run on"
        yield cluster.problem(
            ("consul",), message, "give one machine `consul: server`, or remove the section", key=True
        )
    if servers and len(servers) not in CONSUL_SERVERS:
        message = f"{len(servers)} machines are Consul servers: {', '.join(one.name for one in servers)}"
        advice = "use 1, 3 or 5 servers; others can have `consul: agent`"
        yield servers[-1].document.problem(("consul",), message, advice)
    for machine in users if not wanted else ():
        message = f"{machine.name} is to run Consul, and {cluster.path} has no consul section"
        yield machine.document.problem(
            ("consul",), message, f"add `consul: {{}}` to {cluster.path}, or remove this line"
        )


def _address_problem(address: str) -> tuple[str, str] | None:
    host, colon, port = address.partition(":")
    if colon and ":" not in port and port.isdigit():
        return f"{address!r} has a port in it", f"write `address: {host}`, and `ssh: {{port: {port}}}`"
    if not _is_ip(address):
        return None
    return _ip_problem(address)


def _advertise_problem(advertise: str, *, alone: bool) -> tuple[str, str] | None:
    if _is_ip(advertise):
        problem = _ip_problem(advertise)
        if problem is not None:
            return problem
    loopback = advertise == "lo" or (_is_ip(advertise) and ipaddress.ip_address(advertise).is_loopback)
    if loopback and not alone:
        return (
            f"the other machines cannot reach this one at {advertise}",
            "name an interface or address on their network",
        )
    return None


def _ip_problem(text: str) -> tuple[str, str] | None:
    try:
        address = ipaddress.ip_address(text)
    except ValueError:
        return f"{text!r} is no IP address", "an IPv4 address is four numbers from 0 to 255"
    if address.is_unspecified or address.is_multicast or text == "255.255.255.255":
        return f"{text} is no machine's address", "write the address at which the machine is reached"
    return None


def _is_ip(text: str) -> bool:
    """Whether it is meant to be one; `eth0:1` and `db.example.org` are not."""
    return re.fullmatch(r"[0-9.]+", text) is not None or (
        text.count(":") > 1 and re.fullmatch("[0-9A-Fa-f:.]+", text) is not None
    )


def _same(address: str) -> str:
    """One text for all ways to write an address."""
    if _is_ip(address):
        try:
            return str(ipaddress.ip_address(address))
        except ValueError:
            return address
    return address.lower().rstrip(".")
