"""What has to be done at the agent so that what is registered is what is wanted. Pure.

Ours is what carries our engine's mark. What an older registrator left is told by its id and touched only
under -cleanup, or where one of our services takes the same id.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from deployer.registrator.checks import check_id
from deployer.registrator.services import ENGINE, HASH, OWNER, Service

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

OLD_ID: Final = re.compile(r"(.+?):([a-zA-Z0-9][a-zA-Z0-9_.-]+):[0-9]+(?::udp)?", re.ASCII)
"""The ids that registrator gave (bridge/bridge.go, serviceIDPattern): host name, container name, port."""


@dataclass(frozen=True)
class Registered:
    """An entry on the agent. `owner` and `hash` are empty where it is not ours."""

    id: str
    name: str
    owner: str = ""
    hash: str = ""
    status: str = ""
    port: int = 0
    """Of one that is not ours."""


@dataclass(frozen=True)
class Snapshot:
    ours: tuple[Registered, ...]
    foreign: tuple[Registered, ...]


@dataclass(frozen=True)
class Register:
    service: Service


@dataclass(frozen=True)
class SetStatus:
    service: Service


@dataclass(frozen=True)
class Deregister:
    id: str


Operation = Register | SetStatus | Deregister


def read_snapshot(services: Mapping[str, Any], checks: Mapping[str, Any], engine: str) -> Snapshot:
    """What `/v1/agent/services` and `/v1/agent/checks` say, parted by whose it is."""
    ours, foreign = [], []
    for id_, told in sorted(services.items()):
        meta = told.get("Meta") or {}  # whose text is anybody's who may register
        name = str(told.get("Service", ""))
        if meta.get(ENGINE) == engine and meta.get(OWNER):
            status = str((checks.get(check_id(id_)) or {}).get("Status", ""))
            ours.append(Registered(id_, name, str(meta[OWNER]), str(meta.get(HASH, "")), status))
        else:
            port = told.get("Port")
            foreign.append(Registered(id_, name, port=port if isinstance(port, int) else 0))
    return Snapshot(tuple(ours), tuple(foreign))


def registered(service: Service) -> Registered:
    """The entry that a registration leaves."""
    return Registered(service.id, service.name, service.owner, service.hash, service.status)


def operations(wanted: Iterable[Service], present: Iterable[Registered]) -> tuple[Operation, ...]:
    """What makes the entries of one owner the wanted ones. First what is missing, then what is too much: a rename leaves no gap."""
    there = {entry.id: entry for entry in present}
    steps: list[Operation] = []
    for service in wanted:
        entry = there.pop(service.id, None)
        if entry is None or entry.hash != service.hash:
            steps.append(Register(service))
        elif service.status and entry.status != service.status:
            steps.append(SetStatus(service))
    return (*steps, *(Deregister(id_) for id_ in there))


def may_take(service: Service, foreign: Registered, host: str) -> bool:
    """Whether an entry that is not ours may become this service: the old registrator's on this host, or one of the same name and port.

    The name alone is not enough: a container that names somebody's service and its id would take its place.
    """
    old = OLD_ID.fullmatch(foreign.id)
    return (foreign.name, foreign.port) == (service.name, service.port) or (old is not None and old[1] == host)


def dangling(foreign: Iterable[Registered], host: str) -> tuple[Deregister, ...]:
    """Under -cleanup, once every container has been looked at: what an old registrator of this host left.

    Whatever still has a container was taken over by then, and is ours.
    """
    return tuple(Deregister(entry.id) for entry in foreign if (old := OLD_ID.fullmatch(entry.id)) and old[1] == host)
