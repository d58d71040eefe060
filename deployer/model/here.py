"""The machine that deploys, as other people's files could call it. Pure: its names and addresses come from outside."""

from __future__ import annotations

import ipaddress
import re
from dataclasses import dataclass
from typing import Final

IpAddress = ipaddress.IPv4Address | ipaddress.IPv6Address
_Network = ipaddress.IPv4Network | ipaddress.IPv6Network

_NAMES: Final = frozenset({"local", "localhost", "localhost.localdomain", "ip6-localhost", "ip6-loopback"})
_DOMAINS: Final = (".localhost", ".localhost.localdomain")
"""RFC 6761 reserves the first; systemd's nss-myhostname(8) answers for both, whatever stands before."""
_UNSPECIFIED: Final = ipaddress.ip_network("0.0.0.0/8")
"""A connection to 0.0.0.0 goes to this machine (RFC 1122, 3.2.1.3: "this host on this network")."""
_NAT64: Final = ipaddress.ip_network("64:ff9b::/96")
_COMPATIBLE: Final = ipaddress.ip_network("::/96")
_PART: Final = re.compile(r"0[xX][0-9a-fA-F]{1,16}|[0-9]{1,24}")


@dataclass(frozen=True)
class Here:
    """What this machine is called and where it is reached.

    `names` are host names, `networks` its own addresses ("192.0.2.7/32") and the ranges that the kernel takes for its own,
    `host_keys` what its SSH server shows ("ssh-ed25519 AAAA...").
    """

    names: frozenset[str] = frozenset()
    networks: tuple[str, ...] = ()
    host_keys: frozenset[str] = frozenset()

    def has_name(self, address: str) -> bool:
        """Whether an address, in any notation, or a host name means this machine."""
        if address.startswith(("/", "unix:")):  # a socket
            return True
        ip = read_ip(address)
        if ip is not None:
            return self.has_ip(ip)
        name = plain_name(address)
        return not name or name in _NAMES or name.endswith(_DOMAINS) or name in map(plain_name, self.names)

    def has_ip(self, ip: IpAddress) -> bool:
        if ip.is_loopback or ip.is_unspecified or (ip.version == 4 and ip in _UNSPECIFIED):
            return True
        return any(ip in network for network in self._networks() if network.version == ip.version)

    def _networks(self) -> list[_Network]:
        return [ipaddress.ip_network(text, strict=False) for text in self.networks]


def plain_name(text: str) -> str:
    """A host name as two of them are compared: a name ends in a dot or does not, and case counts for nothing."""
    return text.strip().rstrip(".").lower()


def read_ip(text: str) -> IpAddress | None:
    """An address as the system's own resolver reads it (inet_aton(3), getaddrinfo(3)); None for a name.

    127.1, 2130706433, 0x7f.1 and 0177.0.0.1 are one address; so is an IPv4 address inside an IPv6 one.
    """
    bare = text.strip().rstrip(".").removeprefix("[").removesuffix("]").partition("%")[0]
    try:
        return _inner(ipaddress.ip_address(bare))
    except ValueError:
        return _loose(bare)


def _inner(ip: IpAddress) -> IpAddress:
    """The IPv4 address that an IPv6 one stands for (RFC 4291, 2.5.5; RFC 6052), else itself."""
    if isinstance(ip, ipaddress.IPv4Address):
        return ip
    if ip.ipv4_mapped is not None:
        return ip.ipv4_mapped
    if ip in _NAT64 or (ip in _COMPATIBLE and int(ip) > 1):
        return ipaddress.IPv4Address(int(ip) & 0xFFFFFFFF)
    return ip


def _loose(text: str) -> IpAddress | None:
    """One to four numbers, decimal, octal or hexadecimal; the last fills what is left of the four bytes."""
    parts = text.split(".")
    if len(parts) > 4 or not all(map(_PART.fullmatch, parts)):
        return None
    try:
        *first, last = (int(part, 0 if part[:2].lower() == "0x" else 8 if part[0] == "0" else 10) for part in parts)
    except ValueError:  # 08
        return None
    if any(number > 0xFF for number in first) or last >= 1 << 8 * (4 - len(first)):
        return None
    value = last
    for index, number in enumerate(first):
        value |= number << 8 * (3 - index)
    return ipaddress.IPv4Address(value)
