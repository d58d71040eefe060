"""Ports that services newly publish, and what becomes of those services where something else holds them. Pure."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, NamedTuple

from deployer.diff.change import Blocked, ServiceDiffers, ServiceMissing
from deployer.diff.images import ready_members
from deployer.diff.placement import may_run
from deployer.model.placed import published

if TYPE_CHECKING:
    from collections.abc import Mapping

    from deployer.diff.change import Change, Diff
    from deployer.model.observed import Observed, PortHeld
    from deployer.model.stack import Body


class NewPorts(NamedTuple):
    """`ports` as (number, protocol), and the `machines` on which they are to be free."""

    ports: frozenset[tuple[int, str]]
    machines: frozenset[str]


def new_ports(differences: Diff, observed: Observed) -> NewPorts:
    """What has to be asked before these changes are made; nothing where no port is new."""
    wanted = [(change, _new(change)) for change in differences.changes]
    ports = frozenset(port for _, new in wanted for port in new)
    machines = frozenset(name for change, new in wanted if new for name in _machines(change, new, observed))
    return NewPorts(ports, machines)


def with_held(differences: Diff, observed: Observed, held: Mapping[str, tuple[PortHeld, ...]]) -> Diff:
    """The differences without the services that could not have their ports: those are blocked, and who holds the port is named."""
    if not any(held.values()):
        return differences
    blocked: list[Blocked] = []
    changes = []
    for change in differences.changes:
        obstacle = _obstacle(change, observed, held)
        if obstacle is None:
            changes.append(change)
        else:
            blocked.append(obstacle)
    return replace(differences, changes=tuple(changes), blocked=(*differences.blocked, *blocked))


def _new(change: Change) -> dict[tuple[int, str], str]:
    """(port, protocol) -> mode, of those that the service does not publish yet."""
    match change:
        case ServiceMissing(body=body):
            before: Body = {}
        case ServiceDiffers(body=body, seen=seen):
            before = seen.spec
        case _:
            return {}
    had = set(published(before))
    return {(port, protocol): mode for port, protocol, mode in published(body) if (port, protocol, mode) not in had}


def _machines(change: Change, new: Mapping[tuple[int, str], str], observed: Observed) -> frozenset[str]:
    """Every machine of the swarm for the routing mesh, those that may run the service for `mode: host`."""
    members = ready_members(observed)
    if "ingress" in new.values() or not isinstance(change, ServiceMissing | ServiceDiffers):
        return frozenset(members)
    constraints = ((change.body.get("TaskTemplate") or {}).get("Placement") or {}).get("Constraints") or ()
    return frozenset(name for name, member in members.items() if may_run(constraints, member))


def _obstacle(change: Change, observed: Observed, held: Mapping[str, tuple[PortHeld, ...]]) -> Blocked | None:
    new = _new(change)
    if not new or not isinstance(change, ServiceMissing | ServiceDiffers):
        return None
    told = [
        f"port {one.port}/{one.protocol} of {name} is held by {one.holder}"
        for name in sorted(_machines(change, new, observed))
        for one in held.get(name, ())
        if (one.port, one.protocol) in new
    ]
    if not told:
        return None
    more = f" (and {len(told) - 1} more)" if len(told) > 1 else ""
    help_ = "stop it there, publish another port, or place the service on other machines"
    return Blocked(f"service {change.name}", f"{told[0]}{more}", help_)
