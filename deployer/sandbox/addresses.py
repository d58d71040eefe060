"""Choose a sandbox's network and addresses among those that are not in use. Pure."""

from __future__ import annotations

from ipaddress import IPv4Network, ip_network
from typing import TYPE_CHECKING, Any

from deployer.errors import DeployerError, UsageError

if TYPE_CHECKING:
    from collections.abc import Iterable

FIRST = IPv4Network("10.99.0.0/24")
REGISTRY_HOST = 2
FIRST_MACHINE_HOST = 11
LONGEST_PREFIX = 27  # 16 machines from .11 need addresses up to .26


def choose_subnet(wanted: str | None, used: Iterable[IPv4Network]) -> IPv4Network:
    """`wanted`, or the first of 10.99.0.0/24, 10.99.1.0/24, ... that overlaps nothing in `used`.

    Raises UsageError where `wanted` is no network of a fitting size or overlaps, DeployerError where all are taken.
    """
    taken = tuple(used)
    if wanted is not None:
        subnet = parse_subnet(wanted)
        for other in taken:
            if subnet.overlaps(other):
                raise UsageError(
                    f"{subnet} overlaps {other}, which this machine uses",
                    help="leave --subnet out: a free one is found",
                )
        return subnet
    for number in range(256):
        subnet = IPv4Network((int(FIRST.network_address) + number * FIRST.num_addresses, FIRST.prefixlen))
        if not any(subnet.overlaps(other) for other in taken):
            return subnet
    raise DeployerError("no network from 10.99.0.0/24 to 10.99.255.0/24 is free", help="name one with --subnet")


def parse_subnet(text: str) -> IPv4Network:
    """What --subnet says; raises UsageError where that is no IPv4 network of /16 to /27."""
    try:
        subnet = ip_network(text)
    except ValueError as error:
        raise UsageError(f"--subnet {text}: {error}", help="for example 10.99.0.0/24") from error
    if not isinstance(subnet, IPv4Network) or not 16 <= subnet.prefixlen <= LONGEST_PREFIX:
        raise UsageError(f"--subnet {text}: an IPv4 network of /16 to /{LONGEST_PREFIX} is needed")
    return subnet


def registry_address(subnet: IPv4Network) -> str:
    return str(subnet.network_address + REGISTRY_HOST)


def machine_addresses(subnet: IPv4Network, machines: Iterable[str], existing: dict[str, str]) -> dict[str, str]:
    """An address for each of `machines`: the one it has in `existing`, else the first free from .11 on."""
    addresses = dict(existing)
    number = FIRST_MACHINE_HOST
    for machine in machines:
        while machine not in addresses:
            candidate = str(subnet.network_address + number)
            number += 1
            if candidate not in addresses.values():
                addresses[machine] = candidate
    return {machine: addresses[machine] for machine in machines}


def parse_networks(networks: Iterable[dict[str, Any]]) -> tuple[IPv4Network, ...]:
    """The IPv4 subnets of the engine's networks (its list of /networks)."""
    configs = [config for network in networks for config in (network.get("IPAM") or {}).get("Config") or []]
    subnets = [config.get("Subnet") or "" for config in configs]
    return tuple(IPv4Network(subnet) for subnet in subnets if "." in subnet)


def parse_routes(text: str) -> tuple[IPv4Network, ...]:
    """The networks in /proc/net/route, which has them in hexadecimal, lowest byte first; the default route is none."""
    found = []
    for line in text.splitlines()[1:]:
        fields = line.split()
        destination, mask = (int.from_bytes(bytes.fromhex(fields[index]), "little") for index in (1, 7))
        if mask:
            found.append(IPv4Network((destination, mask.bit_count())))
    return tuple(found)
