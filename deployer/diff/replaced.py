"""Networks that are to be replaced, and the services on them, which are replaced with them.

An engine cannot change a network (moby#37901), and removes none while a service is on it. A service that is moved off
it and back again would restart twice, and fail its health check in between where that needs the network; so services
are removed and made anew: each of their tasks stops once and starts once.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from deployer.diff.cause import Cause
from deployer.diff.change import Blocked, Diff
from deployer.diff.seen import references
from deployer.diff.stacks import NetworkReplaced, ServiceDiffers, ServiceReplaced, ServiceUnsettled, stamp_service
from deployer.model import labels

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from deployer.diff.changes import Change
    from deployer.model.desired import Desired
    from deployer.model.observed import LiveService, Swarm
    from deployer.model.stack import Body, StackObjects

_ABOUT_SERVICES = ServiceDiffers | ServiceReplaced | ServiceUnsettled
"""Changes of services that live."""


def with_services(desired: Desired, stacks: Sequence[StackObjects], swarm: Swarm, found: Diff) -> Diff:
    """The differences, in which every service on a network that is replaced is replaced, too.

    A network that somebody else uses is blocked.
    """
    networks = [change for change in found.changes if isinstance(change, NetworkReplaced)]
    if not networks:
        return found
    bodies = {str(body["Name"]): (stack.stack, body) for stack in stacks for body in stack.services}
    obstacles = {obstacle.subject for obstacle in found.blocked}
    changes: list[Change] = list(found.changes)
    blocked = list(found.blocked)
    for network in networks:
        on_it = [one for one in swarm.services if _is_on(one, network)]
        stuck = next((one for one in on_it if _stays(one, desired, bodies, obstacles)), None)
        if stuck is not None:
            changes.remove(network)
            blocked.append(_obstacle(network, stuck, desired.cluster.name))
            continue
        for live in on_it:
            if live.name in bodies:
                changes = _replace(changes, live, network.name, desired, *bodies[live.name])
    touched = {change.name for change in found.changes if isinstance(change, _ABOUT_SERVICES)}
    restarted = sum(isinstance(change, ServiceReplaced) and change.name not in touched for change in changes)
    return replace(found, changes=tuple(changes), blocked=tuple(blocked), unchanged=found.unchanged - restarted)


def _is_on(service: LiveService, network: NetworkReplaced) -> bool:
    return bool({("network", network.id), ("network", network.name)} & set(references(service.spec)))


def _stays(service: LiveService, desired: Desired, bodies: Mapping[str, tuple[str, Body]], obstacles: set[str]) -> bool:
    if service.labels.get(labels.CLUSTER) != desired.cluster.name or f"service {service.name}" in obstacles:
        return True
    if service.name in bodies:
        return False
    stack = service.labels.get(labels.STACK, "")
    return not (desired.cluster.policy.prune and all(one.settings.prune for one in desired.stacks if one.name == stack))


def _obstacle(network: NetworkReplaced, service: LiveService, cluster: str) -> Blocked:
    told = ", ".join(f"{field.path} {field.old!r} -> {field.new!r}" for field in network.fields)
    whose = "" if service.labels.get(labels.CLUSTER) == cluster else ", which is not this cluster's,"
    return Blocked(
        f"network {network.name}",
        f"its options differ ({told}), it has to be made anew for that, and service {service.name}{whose} stays on it",
        "take that service off the network, or give the network a new name in the stack file",
    )


def _replace(
    changes: Sequence[Change], live: LiveService, network: str, desired: Desired, stack: str, body: Body
) -> list[Change]:
    """The changes with that service replaced, whatever else was to be done with it."""
    mine = [one for one in changes if _about(one, live.name)]
    fields = next((one.fields for one in mine if isinstance(one, ServiceDiffers | ServiceReplaced)), ())
    stamped = stamp_service(body, desired.cluster.name, stack, desired.commit)
    anew = ServiceReplaced(stack, live.name, stamped, live, fields, Cause.REPLACED, network)
    return [*(one for one in changes if one not in mine), anew]


def _about(change: Change, service: str) -> bool:
    return isinstance(change, _ABOUT_SERVICES) and change.name == service
