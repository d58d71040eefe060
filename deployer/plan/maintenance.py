"""Maintenance: machines that are there are taken out of service, worked on, and put back, without losing what they run. Pure.

A machine is drained, worked on, waited for and activated again before the next one's turn; each step needs the one before it, so
that the first trouble ends the run. Workers come first, machines outside the swarm then, managers last, the leader last of all.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final, Literal

from deployer.diff.cause import Cause
from deployer.diff.change import Blocked
from deployer.model.observed import Engine, Machine, Member, Observed, Unreachable
from deployer.model.subject import OfMachine
from deployer.plan.consul import CONSUL_TIMEOUT, AwaitConsul
from deployer.plan.draft import Draft
from deployer.plan.steps import Plan
from deployer.startup import defer_imports

with defer_imports():
    from deployer.diff import consul as diff_consul
    from deployer.diff import placement as diff_placement

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from deployer.model.cluster import Node
    from deployer.model.desired import Desired
    from deployer.plan.operations import Operation
    from deployer.plan.steps import Mark


@dataclass(frozen=True)
class SetAvailability(OfMachine):
    """Drain, pause or activate a member, by the manager `via`; its role and labels stay."""

    node: str
    via: str
    member: str
    """The id that the swarm has for it."""
    availability: Literal["active", "pause", "drain"]


@dataclass(frozen=True)
class AwaitDrained(OfMachine):
    """Wait until no task of the swarm is left on a machine, and each of `services` runs in full without it."""

    node: str
    via: str
    member: str
    services: tuple[str, ...]
    timeout: float


@dataclass(frozen=True)
class AwaitReady(OfMachine):
    """Wait until the managers call a machine ready (a manager: reachable, too), and each of `services` runs in full."""

    node: str
    via: str
    member: str
    services: tuple[str, ...]
    timeout: float


@dataclass(frozen=True)
class RestartMachine(OfMachine):
    """Reboot a machine, or restart the engine alone; then wait until it is back, with its engine."""

    node: str
    what: Literal["machine", "engine"]
    timeout: float


@dataclass(frozen=True)
class UpgradeEngine(OfMachine):
    """Upgrade the engine's packages, which the distribution's package manager has newer: from `old` to `new`."""

    node: str
    packages: tuple[str, ...]
    old: str
    new: str


@dataclass(frozen=True)
class PowerOff(OfMachine):
    """Switch a machine off: in good order, or (`hard`) at once, as if its cable were pulled."""

    node: str
    hard: bool = False


@dataclass(frozen=True)
class RemoveOwn(OfMachine):
    """Remove this cluster's own containers from a machine, and the volumes of these names."""

    node: str
    containers: tuple[str, ...]
    volumes: tuple[str, ...] = ()


@dataclass(frozen=True)
class PurgeEngine(OfMachine):
    """Take the packages that deployer installed off a machine; the images and volumes below /var/lib/docker stay."""

    node: str


MaintenanceOperation = (
    SetAvailability | AwaitDrained | AwaitReady | RestartMachine | UpgradeEngine | PowerOff | RemoveOwn | PurgeEngine
)


def mark(operation: MaintenanceOperation) -> Mark:
    match operation:
        case AwaitDrained() | AwaitReady():
            return "."
        case SetAvailability() | RestartMachine() | UpgradeEngine() | PowerOff():
            return "~"
        case RemoveOwn() | PurgeEngine():
            return "-"


def describe(operation: MaintenanceOperation) -> tuple[str, str]:
    match operation:
        case SetAvailability(availability=availability):
            words = {
                "drain": "drain: its tasks go elsewhere",
                "pause": "pause: it gets no new tasks",
                "active": "activate: it takes tasks again",
            }[availability]
        case AwaitDrained(services=services, timeout=timeout):
            words = f"wait up to {timeout:.0f} s until it is empty{_and(services, 'without it')}"
        case AwaitReady(services=services, timeout=timeout):
            words = f"wait up to {timeout:.0f} s until it is ready{_and(services, '')}"
        case RestartMachine(what=what):
            restarts = {
                "machine": "reboot, and wait until it is back",
                "engine": "restart the engine, and wait until it answers",
            }
            words = restarts[what]
        case UpgradeEngine(packages=packages, old=old, new=new):
            words = f"upgrade {', '.join(packages)} from {old} to {new}"
        case PowerOff(hard=hard):
            words = "switch off at once" if hard else "switch off"
        case RemoveOwn(containers=containers, volumes=volumes):
            words = f"remove {', '.join([*containers, *(f'volume {name}' for name in volumes)])}"
        case PurgeEngine():
            words = "remove Docker's packages, which deployer installed"
    return operation.node, words


def _and(services: tuple[str, ...], where: str) -> str:
    if not services:
        return ""
    named = services[0] if len(services) == 1 else f"all {len(services)} services"
    return f" and {named} {'runs' if len(services) == 1 else 'run'} in full {where}".rstrip()


DRAIN_SECONDS: Final = 180.0
READY_SECONDS: Final = 180.0


Tasks = dict[str, tuple[str, ...]]
"""Ids of members, and the names of the services that have a task there."""


@dataclass(frozen=True)
class Work:
    """What is done to one machine while it is out of service."""

    node: str
    operations: tuple[Operation, ...]
    interrupts: bool = True
    """Whether its containers, or the machine, stop for it."""


@dataclass(frozen=True)
class Manner:
    """`rolling`: drain one machine after the other; else all at once. `force`: go on where something is in the way."""

    rolling: bool
    force: bool = False
    drain_seconds: float = DRAIN_SECONDS
    ready_seconds: float = READY_SECONDS


@dataclass
class _Making:
    desired: Desired
    observed: Observed
    tasks: Mapping[str, Sequence[str]]
    manner: Manner
    draft: Draft = field(default_factory=Draft)
    blocked: list[Blocked] = field(default_factory=list)


def maintenance_plan(
    desired: Desired, observed: Observed, tasks: Mapping[str, Sequence[str]], works: Sequence[Work], manner: Manner
) -> Plan:
    """The steps for all of `works`; where something is in the way, that and no step."""
    making = _Making(desired, observed, tasks, manner)
    last: tuple[int, ...] = ()
    ordered = in_turn(observed, works)
    if not manner.rolling and not manner.force:
        making.blocked += quorum(observed, [work.node for work in ordered if work.interrupts])
    for work in ordered:
        last = _turn(making, work, last if manner.rolling else ())
    cluster, via = desired.cluster, observed.swarm.via if observed.swarm else ""
    if making.blocked:
        return Plan(cluster.name, desired.commit, (), tuple(making.blocked), manager=via)
    return Plan(cluster.name, desired.commit, tuple(making.draft.steps), tuple(making.blocked), manager=via)


def in_turn(observed: Observed, works: Sequence[Work]) -> list[Work]:
    """The order of work: workers, machines outside the swarm, managers, the leader; by name among themselves."""

    def rank(work: Work) -> tuple[int, str]:
        member = member_of(observed, work.node)
        if member is None:
            return 1, work.node
        return (0 if member.role == "worker" else 3 if member.leader else 2), work.node

    return sorted(works, key=rank)


def member_of(observed: Observed, name: str) -> Member | None:
    """The machine's entry in the managers' list; None where it is not in the swarm, or cannot be asked."""
    machine = observed.machines[name]
    if not isinstance(machine, Machine) or not isinstance(machine.engine, Engine) or observed.swarm is None:
        return None
    own = machine.engine.membership.node_id
    return next((member for member in observed.swarm.members if member.id == own and own), None)


def spokesman(observed: Observed, name: str) -> str:
    """The manager through which the swarm is spoken to while `name` is away; itself where there is no other."""
    managers = [
        other
        for other, machine in sorted(observed.machines.items())
        if isinstance(machine, Machine)
        and isinstance(machine.engine, Engine)
        and machine.engine.membership.manager
        and machine.engine.membership.state == "active"
    ]
    return next((other for other in managers if other != name), name)


def _turn(making: _Making, work: Work, after: tuple[int, ...]) -> tuple[int, ...]:
    """One machine's turn; the number of its last step."""
    node = making.desired.cluster.node(work.node)
    machine = making.observed.machines[work.node]
    if isinstance(machine, Unreachable):
        making.blocked.append(Blocked(work.node, machine.reason, machine.help, unreachable=True))
        return after
    member = member_of(making.observed, work.node)
    chain = _Chain(making.draft, after)
    if member is None or not making.manner.rolling or not work.interrupts:
        for operation in work.operations:
            chain.add(operation)
        if member is not None:
            chain.add(_ready(making, node, member, ()))
        _consul(making, node, chain)
        return chain.last
    stays = _in_the_way(making, node, member)
    services = making.observed.services
    waited = tuple(one.name for one in services if one.name not in stays and not one.finite)
    via = spokesman(making.observed, work.node)
    drains = member.availability != "drain"
    if drains:
        chain.add(SetAvailability(work.node, via, member.id, "drain"))
        chain.add(AwaitDrained(work.node, via, member.id, waited, making.manner.drain_seconds))
    for operation in work.operations:
        chain.add(operation)
    if drains:
        chain.add(_ready(making, node, member, ()))
        chain.add(SetAvailability(work.node, via, member.id, node.availability))
    everything = tuple(one.name for one in services if not one.finite and one.name not in _ill(making))
    chain.add(_ready(making, node, member, everything))
    _consul(making, node, chain)
    return chain.last


@dataclass
class _Chain:
    draft: Draft
    last: tuple[int, ...]

    def add(self, operation: Operation) -> None:
        waits = isinstance(operation, AwaitDrained | AwaitReady | AwaitConsul)
        self.last = (self.draft.add(operation, None if waits else Cause.ASKED, needed=self.last),)


def _ready(making: _Making, node: Node, member: Member, services: tuple[str, ...]) -> AwaitReady:
    via = spokesman(making.observed, node.name)
    return AwaitReady(node.name, via, member.id, services, making.manner.ready_seconds)


def _consul(making: _Making, node: Node, chain: _Chain) -> None:
    """After one of Consul's servers: until all of them are healthy again."""
    usable = diff_consul.server_addresses(making.desired.cluster, making.observed)
    if node.name in usable:
        chain.add(AwaitConsul(node.name, CONSUL_TIMEOUT, len(usable)))


def obstacles_of(
    desired: Desired,
    observed: Observed,
    tasks: Mapping[str, Sequence[str]],
    node: Node,
    member: Member,
    manner: Manner,
) -> tuple[set[str], list[Blocked]]:
    """Services that are not waited for while the machine is empty, and what is in the way of emptying it."""
    making = _Making(desired, observed, tasks, manner)
    return _in_the_way(making, node, member), making.blocked


def _in_the_way(making: _Making, node: Node, member: Member) -> set[str]:
    """Services that are not waited for while the machine is away: they cannot run elsewhere, or do not run now.

    Each is named and stops everything, unless it is forced.
    """
    stays = _ill(making)
    services = making.observed.services
    if not making.manner.force:
        ill = [one for one in services if one.name in stays]
        said = {obstacle.subject for obstacle in making.blocked}
        making.blocked += [
            Blocked(one.name, f"{one.running} of its {one.wanted} tasks run, before anything is done", FORCE_ILL)
            for one in ill
            if one.name not in said
        ]
        making.blocked += quorum(making.observed, [node.name])
    here = making.tasks.get(member.id, ())
    for service in services:
        if service.name not in here:
            continue
        placed = diff_placement.elsewhere(service, member, making.observed.members)
        if placed.never:
            stays.add(service.name)
        if (placed.never or placed.loses) and not making.manner.force:
            making.blocked.append(Blocked(node.name, f"{service.name} {placed.never or placed.loses}", FORCE_STUCK))
    return stays


FORCE_ILL: Final = "mend it first (deployer status says what is wrong), or go on without waiting for it: --force"
FORCE_STUCK: Final = "let it run elsewhere, or accept that: --force"
FORCE_QUORUM: Final = "bring back or add managers, or accept that: --force"


def _ill(making: _Making) -> set[str]:
    return {one.name for one in making.observed.services if one.running < one.wanted and not one.finite}


def quorum(observed: Observed, names: Sequence[str]) -> list[Blocked]:
    """More than half of the managers have to be left while these are away: with fewer, a swarm takes no orders."""
    away = {member.id for name in names if (member := member_of(observed, name)) and member.role == "manager"}
    managers = [member for member in observed.members if member.role == "manager"]
    left = sum(member.state == "ready" and member.id not in away for member in managers)
    if not away or 2 * left > len(managers):
        return []
    among = " and ".join(sorted(name for name in names if (one := member_of(observed, name)) and one.id in away))
    what = f"{left} of {len(managers)} managers would be left while it is away" if len(managers) > 1 else (
        "it is the only manager: the swarm takes no orders while it is away (what runs goes on)"
    )  # fmt: skip
    return [Blocked(among, what, FORCE_QUORUM)]
