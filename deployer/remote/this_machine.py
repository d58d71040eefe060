"""What this machine is called and where it is reached: read from the kernel, /etc/hosts and its SSH server's public keys."""

from __future__ import annotations

import ipaddress
import os
import socket
from pathlib import Path
from typing import TYPE_CHECKING, Final

from deployer.model.here import Here, read_ip

if TYPE_CHECKING:
    from collections.abc import Iterator

LARGEST: Final = 4 << 20
_LOCAL_ROUTE: Final = 0x80000000
"""RTF_LOCAL (linux/ipv6_route.h)."""


def this_machine(root: Path = Path("/")) -> Here:
    """Reads a few small files and asks nobody; what cannot be read is left out. `root` is where they lie, for tests."""
    networks = (*_ipv4(_lines(root / "proc/net/fib_trie")), *_ipv6(_lines(root / "proc/net/ipv6_route")))
    here = Here(frozenset({socket.gethostname(), os.uname().nodename} - {""}), tuple(sorted(set(networks))))
    named = _names_of(here, _lines(root / "etc/hosts"))
    keys = frozenset(_host_keys(root / "etc/ssh"))
    return Here(here.names | frozenset(named), here.networks, keys)


def _ipv4(lines: Iterator[str]) -> Iterator[str]:
    """`|-- 192.0.2.7` and below it `/32 host LOCAL`: what the kernel delivers to itself."""
    address = ""
    for line in lines:
        words = line.split()
        if words[:1] == ["|--"] and len(words) == 2:
            address = words[1]
        elif words[-1:] == ["LOCAL"] and words[0].startswith("/"):
            yield f"{address}{words[0]}"


def _ipv6(lines: Iterator[str]) -> Iterator[str]:
    """DESTINATION LENGTH ... FLAGS INTERFACE, in hexadecimal."""
    for line in lines:
        words = line.split()
        if len(words) == 10 and int(words[8], 16) & _LOCAL_ROUTE:
            yield f"{ipaddress.IPv6Address(int(words[0], 16))}/{int(words[1], 16)}"


def _names_of(here: Here, lines: Iterator[str]) -> Iterator[str]:
    """The names that /etc/hosts gives to this machine's own addresses."""
    for line in lines:
        address, *names = line.partition("#")[0].split() or [""]
        ip = read_ip(address) if address else None
        if ip is not None and here.has_ip(ip):
            yield from names


def _host_keys(folder: Path) -> Iterator[str]:
    for path in sorted(folder.glob("ssh_host_*_key.pub")):
        for line in _lines(path):
            words = line.split()
            if len(words) >= 2:
                yield " ".join(words[:2])


def _lines(path: Path) -> Iterator[str]:
    try:
        with path.open("rb") as file:
            text = file.read(LARGEST).decode(errors="replace")
    except OSError:
        return
    yield from (line for line in text.splitlines() if line.strip())
