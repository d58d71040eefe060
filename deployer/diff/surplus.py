"""What the swarm has of this cluster and git does not have any more.

Only what carries this cluster's label, and that nothing uses once everything else is done. Configs and secrets of which
git has another content keep their last ones, so that `docker service rollback` finds them. Volumes are no objects of the
swarm: nothing here ever removes one.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from deployer.diff.cause import Cause
from deployer.diff.change import Diff, Kept
from deployer.diff.seen import references
from deployer.diff.stacks import (
    NetworkReplaced,
    ObjectSurplus,
    ServiceDiffers,
    ServiceMissing,
    ServiceReplaced,
    ServiceSurplus,
)
from deployer.model import labels
from deployer.model.spec import ServiceSpec

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from deployer.diff.changes import Change
    from deployer.diff.seen import Reference
    from deployer.model.desired import Desired
    from deployer.model.observed import LiveObject, LiveService, Swarm
    from deployer.model.stack import Body, StackObjects

KEPT: Final = 3
"""Earlier contents of a config or secret that stay."""
HASHED: Final = re.compile(r"-[0-9a-f]{12}$(?!\n)")
"""How deployer.compose.contents ends their names."""
Port = tuple[str, int]


def diff_surplus(desired: Desired, stacks: Sequence[StackObjects], swarm: Swarm, found: Diff) -> Diff:
    """`found` is what else there is to be done with the stacks: where some of it cannot be, nothing is removed there."""
    wanted = {(kind, str(body["Name"])): stack.stack for stack in stacks for kind, body in _bodies(stack)}
    ours = [service for service in swarm.services if service.labels.get(labels.CLUSTER) == desired.cluster.name]
    extra = [service for service in ours if ("service", service.name) not in wanted]
    reasons = _reasons(desired, wanted, found)
    known = {source.name for source in desired.stacks}

    def why_not(stack: str) -> str:
        return reasons.get(stack) or reasons.get("" if stack in known else "*", "")

    kept = [Kept(f"service {one.name}", why) for one in extra if (why := why_not(_stack(one)))]
    going = [service for service in extra if not why_not(_stack(service))]
    rooms = _rooms(going, found)
    alive = _logicals(wanted)
    changes: list[Change] = [
        ServiceSurplus(
            _stack(one), one.name, one, whole=_stack(one) not in {*known, ""}, room_for=rooms.get(one.name, "")
        )
        for one in going
    ]
    users = _users(stacks, swarm, found, going)
    for one in _surplus(desired.cluster.name, wanted, alive, swarm.objects):
        stack = one.labels.get(labels.STACK, "")
        user = users.get((one.kind, one.name), "")
        if why := why_not(stack) or (f"{user} uses it" if user else ""):
            kept += [Kept(f"{one.kind} {one.name}", why)] if one.kind == "network" else []
        else:
            cause = Cause.SUPERSEDED if _logical(one.kind, one.name) in alive else Cause.GONE
            changes.append(ObjectSurplus(one.kind, stack, one.name, one.id, stack not in {*known, ""}, cause))
    return Diff(tuple(changes), kept=tuple(kept))


def _bodies(stack: StackObjects) -> list[tuple[str, Body]]:
    groups = {"network": stack.networks, "config": stack.configs, "secret": stack.secrets, "service": stack.services}
    return [(kind, body) for kind, bodies in groups.items() for body in bodies]


def _stack(service: LiveService) -> str:
    return service.labels.get(labels.STACK, "")


def _reasons(desired: Desired, wanted: Mapping[Reference, str], found: Diff) -> dict[str, str]:
    """Why nothing of a stack is removed, by stack; `*` is any that git does not have.

    A stack of another name may be what is to take its place: nothing goes before that is there.
    """
    if not desired.cluster.policy.prune:
        stays = "`policy: {prune: false}`"
        return {"*": stays} | {source.name: stays for source in desired.stacks}
    reasons = {source.name: "`x-deployer: {prune: false}`" for source in desired.stacks if not source.settings.prune}
    for obstacle in found.blocked:
        kind, _, name = obstacle.subject.partition(" ")
        stack = name if kind == "stack" else wanted.get((kind, name), "")
        reasons.setdefault(stack, f"not before what is said of {obstacle.subject} is mended")
        reasons.setdefault("*", reasons[stack])
    return reasons


def _rooms(going: Sequence[LiveService], found: Diff) -> dict[str, str]:
    """Who of those that go has to go first, and for what.

    The engine refuses a second service on a published port, and to remove a network that is to be replaced while
    somebody is on it.
    """
    holders = {port: service.name for service in going for port in _ports(service.spec)}
    rooms: dict[str, str] = {}
    for change in found.changes:
        match change:
            case ServiceMissing() | ServiceDiffers() | ServiceReplaced():
                rooms |= {holders[port]: change.name for port in _ports(change.body) if port in holders}
            case NetworkReplaced():
                on_it = {("network", change.id), ("network", change.name)}
                rooms |= {one.name: change.name for one in going if on_it & set(references(one.spec))}
            case _:
                pass
    return rooms


def _ports(body: Body) -> set[Port]:
    return {(protocol, port) for port, protocol, _ in ServiceSpec(body).published}


def _users(
    stacks: Sequence[StackObjects], swarm: Swarm, found: Diff, going: Sequence[LiveService]
) -> dict[Reference, str]:
    """Who uses what once everything is done: what git says, and whatever stays as it is."""
    names = {one.id: one.name for one in swarm.objects if one.kind == "network"}
    gone = {service.name for service in going}
    rewritten = {change.name for change in found.changes if isinstance(change, ServiceDiffers | ServiceReplaced)}
    users: dict[Reference, str] = {}
    for stack in stacks:
        users |= dict.fromkeys(stack.external, f"stack {stack.stack}")
        for body in stack.services:
            users |= dict.fromkeys(references(body), f"service {body['Name']}")
    for service in swarm.services:
        if service.name not in {*gone, *rewritten}:
            held = ((kind, names.get(name, name)) for kind, name in references(service.spec))
            users |= dict.fromkeys(held, f"service {service.name}")
    return users


def _surplus(
    cluster: str, wanted: Mapping[Reference, str], alive: set[Reference], objects: Iterable[LiveObject]
) -> list[LiveObject]:
    """What is ours and not wanted, without the last contents of what git has with another one; configs, secrets, networks.

    `alive` are the names, without a content's hash, of the configs and secrets that git has.
    """
    extra = [one for one in objects if one.labels.get(labels.CLUSTER) == cluster and (one.kind, one.name) not in wanted]
    spared: dict[tuple[str, str], list[str]] = {}
    for one in sorted(extra, key=lambda one: (one.created, one.name), reverse=True):
        logical = _logical(one.kind, one.name)
        if logical in alive and len(spared.setdefault(logical, [])) < KEPT:
            spared[logical].append(one.id)
    stay = {identifier for identifiers in spared.values() for identifier in identifiers}
    return sorted(
        (one for one in extra if one.id not in stay), key=lambda one: (one.kind == "network", one.kind, one.name)
    )


def _logicals(wanted: Iterable[Reference]) -> set[Reference]:
    return {logical for kind, name in wanted if (logical := _logical(kind, name))[1]}


def _logical(kind: str, name: str) -> Reference:
    """A config's or secret's name without its content's hash; empty for what has none."""
    return kind, HASHED.sub("", name) if kind in {"config", "secret"} and HASHED.search(name) else ""
