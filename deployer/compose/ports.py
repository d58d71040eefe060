"""Published ports, as Swarm takes them, and which of all stacks cannot be had together."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from deployer.compose.rules import Note, Put
from deployer.model.address import WILDCARDS

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from deployer.compose.rules import Path
    from deployer.model.placed import Placed

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
        if address not in WILDCARDS:
            message = f"the address {address} is ignored: Swarm publishes port {number or port.get('target')} on every address"
            yield Note((*at, index), message, "close the port with a firewall, or do not publish it", key=False)
        result.append(entry)
    yield Put(("ports",), result)


def collisions(services: Sequence[Placed]) -> list[tuple[Placed, int, str]]:
    """(service, port, message) for each port that cannot be had: as Swarm's allocator and its host port filter see it."""
    users: dict[tuple[int, str], list[tuple[Placed, str]]] = {}
    found: list[tuple[Placed, int, str]] = []
    for service in services:
        for port, protocol, mode in service.published:
            before = users.setdefault((port, protocol), [])
            rival = next((other for other, kind in before if "ingress" in (kind, mode)), None)
            if rival is not None:
                whom = "this service already" if rival is service else rival.full
                found.append((service, port, f"port {port}/{protocol} is published by {whom}"))
            elif mode == "host" and not _all_fit([*(one for one, _ in before), service]):
                others = ", ".join(sorted({one.full for one, _ in before} - {service.full}))
                sharing = f" that it shares with {others}" if others else ""
                message = f"port {port}/{protocol} of a machine is for one task: the machines{sharing} are too few"
                found.append((service, port, message))
            else:
                before.append((service, mode))
    return found


def _all_fit(services: Sequence[Placed]) -> bool:
    """Whether every task finds a machine of its own: a matching by augmenting paths."""
    tasks = [
        machines
        for service in services
        if service.machines
        for machines in (
            [service.machines] * service.replicas
            if service.replicas is not None
            else [frozenset({one}) for one in sorted(service.machines)]
        )
    ]
    machines = frozenset().union(*tasks) if tasks else frozenset()
    if len(tasks) > len(machines):
        return False
    taken: dict[str, int] = {}

    def place(task: int, seen: set[str]) -> bool:
        for machine in sorted(tasks[task] - seen):
            seen.add(machine)
            if machine not in taken or place(taken[machine], seen):
                taken[machine] = task
                return True
        return False

    return all(place(task, set()) for task in range(len(tasks)))
