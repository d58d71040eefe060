"""Ports that services newly publish, and the services that cannot have them because something else holds them. Pure."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, NamedTuple, TypeGuard

from deployer.diff.change import Blocked
from deployer.diff.images import ready_members
from deployer.diff.placement import may_run
from deployer.diff.stacks import ObjectSurplus, ServiceDiffers, ServiceMissing, ServiceSurplus
from deployer.model.observed import Engine, Machine, Member
from deployer.model.spec import ServiceSpec

if TYPE_CHECKING:
    from collections.abc import Mapping

    from deployer.diff.change import Diff
    from deployer.diff.changes import Change
    from deployer.model.cluster import Cluster
    from deployer.model.observed import Observed, PortHeld
    from deployer.model.stack import Body


class NewPorts(NamedTuple):
    """`ports` as (number, protocol), and the `machines` on which they are to be free."""

    ports: frozenset[tuple[int, str]]
    machines: frozenset[str]


def new_ports(differences: Diff, observed: Observed, cluster: Cluster) -> NewPorts:
    """The ports that machines have to be asked about before these changes are made; none where no port is new.

    Of machines that `cluster` has and the swarm has not yet, too: who holds a port there is in the way as soon as they have joined.
    """
    freed = _freed(differences)
    wanted = [(change, _new(change, freed)) for change in differences.changes]
    ports = frozenset(port for _, new in wanted for port in new)
    members = _members(observed, cluster)
    machines = frozenset(name for change, new in wanted if new for name in _machines(change, new, members))
    return NewPorts(ports, machines)


def with_held(
    differences: Diff, observed: Observed, cluster: Cluster, held: Mapping[str, tuple[PortHeld, ...]]
) -> Diff:
    """The differences, in which services that cannot have their ports are blocked; the reason names who holds the port."""
    if not any(held.values()):
        return differences
    blocked: list[Blocked] = []
    changes = []
    stacks: set[str] = set()
    freed, members = _freed(differences), _members(observed, cluster)
    for change in differences.changes:
        obstacle = _obstacle(change, freed, members, held)
        if obstacle is None:
            changes.append(change)
        else:
            blocked.append(obstacle)
            stacks.add(change.stack)
    # As with everything else that is in the way: nothing of that stack is removed, and no whole stack.
    kept = [one for one in changes if not stacks or not _removal(one) or not (one.whole or one.stack in stacks)]
    return replace(differences, changes=tuple(kept), blocked=(*differences.blocked, *blocked))


def _removal(change: Change) -> TypeGuard[ServiceSurplus | ObjectSurplus]:
    return isinstance(change, ServiceSurplus | ObjectSurplus)


def _freed(differences: Diff) -> frozenset[tuple[int, str]]:
    """The ports of services that go before the one that needs them."""
    going = [change for change in differences.changes if isinstance(change, ServiceSurplus) and change.room_for]
    return frozenset(
        (port, protocol) for change in going for port, protocol, _ in ServiceSpec(change.seen.spec).published
    )


def _new(change: Change, freed: frozenset[tuple[int, str]]) -> dict[tuple[int, str], str]:
    """(port, protocol) -> mode, of those that the service does not publish yet, and that are not about to be `freed`."""
    match change:
        case ServiceMissing(body=body):
            before: Body = {}
        case ServiceDiffers(body=body, seen=seen):
            before = seen.spec
        case _:
            return {}
    had = set(ServiceSpec(before).published)
    new = [one for one in ServiceSpec(body).published if one not in had and one[:2] not in freed]
    return {(port, protocol): mode for port, protocol, mode in new}


def _members(observed: Observed, cluster: Cluster) -> dict[str, Member]:
    """The ready members of the swarm, and the machines that are to be."""
    known = {member.id for member in observed.members}
    members = ready_members(observed)
    for node in cluster.nodes:
        machine = observed.machines.get(node.name)
        if node.role == "none" or node.availability != "active" or not isinstance(machine, Machine):
            continue
        if not isinstance(machine.engine, Engine) or machine.engine.membership.node_id not in known:
            labels = dict(node.labels)
            members[node.name] = Member("", 0, node.name, node.role, "active", labels, "ready", "")
    return members


def _machines(change: Change, new: Mapping[tuple[int, str], str], members: Mapping[str, Member]) -> frozenset[str]:
    """Every machine of the swarm for the routing mesh, those that may run the service for `mode: host`."""
    if "ingress" in new.values() or not isinstance(change, ServiceMissing | ServiceDiffers):
        return frozenset(members)
    constraints = ServiceSpec(change.body).constraints
    return frozenset(name for name, member in members.items() if may_run(constraints, member))


def _obstacle(
    change: Change,
    freed: frozenset[tuple[int, str]],
    members: Mapping[str, Member],
    held: Mapping[str, tuple[PortHeld, ...]],
) -> Blocked | None:
    new = _new(change, freed)
    if not new or not isinstance(change, ServiceMissing | ServiceDiffers):
        return None
    told = [
        f"port {one.port}/{one.protocol} of {name} is held by {one.holder}"
        for name in sorted(_machines(change, new, members))
        for one in held.get(name, ())
        if (one.port, one.protocol) in new
    ]
    if not told:
        return None
    more = f" (and {len(told) - 1} more)" if len(told) > 1 else ""
    help_ = "stop it there, publish another port, or place the service on other machines"
    port = next(port for port, protocol in new if told[0].startswith(f"port {port}/{protocol} "))
    at = ("services", change.name.removeprefix(f"{change.stack}_"), "ports", port)
    return Blocked(f"service {change.name}", f"{told[0]}{more}", help_, stack=change.stack, at=at)
