"""Read what the engine says of its machine: its name in service ids, its address."""

from __future__ import annotations

import re
import socket
from typing import TYPE_CHECKING, Any, Final

from deployer.model.registration import fits
from deployer.registrator.network import Host

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

_CONTAINER_NAME: Final = re.compile(r"[0-9a-f]{12}", re.ASCII)
"""The host name that Docker gives a container which was given none: the beginning of its id."""


def read_host(info: Mapping[str, Any], hostname: str, resolve: Callable[[str], str], route: Callable[[], str]) -> Host:
    """The Host of `/info`.

    Its name is ours where somebody chose it (`--net=host`, `-h NAME`), so the ids are those of the old program. Where it is our
    container's random one, with which the old program's ids changed at every restart, the engine's name stands in.

    Its address is what the name resolves to, as before; else (a random name, or Debian's 127.0.1.1) the one that the swarm
    knows; else the one from which the default route leads.
    """
    random = bool(_CONTAINER_NAME.fullmatch(hostname))
    name = str(info.get("Name") or hostname) if random or not hostname else hostname
    resolved = "" if random else resolve(name)
    usable = resolved if resolved and not resolved.startswith("127.") and resolved != "::1" else ""
    told = str((info.get("Swarm") or {}).get("NodeAddr") or "")
    engine = str(info.get("ID") or "")
    return Host(name, usable or told or route() or resolved, engine if fits(engine) else name)


def resolve(name: str) -> str:
    """An address of a name, IPv4 where it has one (Go's net.ResolveIPAddr); empty where it has none."""
    try:
        found = sorted((family != socket.AF_INET, str(at[0])) for family, _, _, _, at in socket.getaddrinfo(name, None))
    except OSError:
        return ""
    return found[0][1] if found else ""


def route() -> str:
    """The address from which packets to the outside leave; empty without a route. Nothing is sent."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        try:
            probe.connect(("192.0.2.1", 9))  # RFC 5737: nobody's address
        except OSError:
            return ""
        return str(probe.getsockname()[0])
