"""Published ports, as Swarm takes them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from deployer.compose.rules import Note, Put

if TYPE_CHECKING:
    from collections.abc import Iterator

    from deployer.compose.rules import Path

_EVERYWHERE: Final = frozenset({"", "0.0.0.0", "::"})  # noqa: S104 - compared with, not bound to
_KEYS: Final = ("mode", "target", "protocol")
_LARGEST: Final = 65535


def published(value: list[dict[str, Any]], at: Path) -> Iterator[Put | Note]:
    """Numbers are numbers, and there is no address: a port is published on all of them."""
    result = []
    for index, port in enumerate(value):
        entry: dict[str, Any] = {key: port[key] for key in _KEYS if key in port}
        number = str(port.get("published") or "")
        if number.isdecimal() and int(number) <= _LARGEST:
            entry["published"] = int(number)
        elif number:
            message = f"{number} is no port that Swarm can publish"
            yield Note((*at, index), message, "write one number from 1 to 65535 for each port", "error", key=False)
        address = port.get("host_ip") or ""
        if address not in _EVERYWHERE:
            message = f"the address {address} is ignored: Swarm publishes port {number or port.get('target')} on every address"
            yield Note((*at, index), message, "close the port with a firewall, or do not publish it", key=False)
        result.append(entry)
    yield Put(("ports",), result)
