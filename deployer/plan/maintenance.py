"""Machines to be worked on and one snapshot in, a plan out: one after the other, without losing what they run. Pure.

A machine is drained, worked on, waited for and activated again before the next one's turn; each step needs the one before it, so
that the first trouble ends the run. Workers come first, machines outside the swarm then, managers last, the leader last of all.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from deployer.diff.change import Blocked, Cause
from deployer.diff.consul import server_addresses
from deployer.diff.placement import elsewhere
from deployer.model.observed import Engine, Machine, Member, Observed, Unreachable
from deployer.plan.care import AwaitDrained, AwaitReady, SetAvailability
from deployer.plan.consul import CONSUL_TIMEOUT
from deployer.plan.draft import Draft
from deployer.plan.operations import AwaitConsul
from deployer.plan.steps import Plan

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from deployer.model.cluster import Node
    from deployer.model.desired import Desired
    from deployer.plan.operations import Operation

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
    """`rolling`: one machine after the other, drained; else all at once. `force`: what is in the way is said, and done."""

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
    """The steps for all of `works`, or what is in the way and no step at all."""
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
    """Workers, machines outside the swarm, managers, the leader; by name."""

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
    swarm = making.observed.swarm
    assert swarm is not None  # noqa: S101 - it has a member
    waited = tuple(one.name for one in swarm.services if one.name not in stays and not one.finite)
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
    everything = tuple(one.name for one in swarm.services if not one.finite and one.name not in _ill(making))
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
    usable = server_addresses(making.desired.cluster, making.observed)
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
    swarm = making.observed.swarm
    assert swarm is not None  # noqa: S101 - it has a member
    if not making.manner.force:
        ill = [one for one in swarm.services if one.name in stays]
        said = {obstacle.subject for obstacle in making.blocked}
        making.blocked += [
            Blocked(one.name, f"{one.running} of its {one.wanted} tasks run, before anything is done", FORCE_ILL)
            for one in ill
            if one.name not in said
        ]
        making.blocked += quorum(making.observed, [node.name])
    here = making.tasks.get(member.id, ())
    for service in swarm.services:
        if service.name not in here:
            continue
        placed = elsewhere(service, member, swarm.members)
        if placed.never:
            stays.add(service.name)
        if (placed.never or placed.loses) and not making.manner.force:
            making.blocked.append(Blocked(node.name, f"{service.name} {placed.never or placed.loses}", FORCE_STUCK))
    return stays


FORCE_ILL: Final = "mend it first (deployer status says what is wrong), or go on without waiting for it: --force"
FORCE_STUCK: Final = "let it run elsewhere, or accept that: --force"
FORCE_QUORUM: Final = "bring back or add managers, or accept that: --force"


def _ill(making: _Making) -> set[str]:
    swarm = making.observed.swarm
    return {one.name for one in swarm.services if one.running < one.wanted and not one.finite} if swarm else set()


def quorum(observed: Observed, names: Sequence[str]) -> list[Blocked]:
    """More than half of the managers have to be left while these are away: with fewer, a swarm takes no orders."""
    away = {member.id for name in names if (member := member_of(observed, name)) and member.role == "manager"}
    managers = [member for member in (observed.swarm.members if observed.swarm else ()) if member.role == "manager"]
    left = sum(member.state == "ready" and member.id not in away for member in managers)
    if not away or 2 * left > len(managers):
        return []
    among = " and ".join(sorted(name for name in names if (one := member_of(observed, name)) and one.id in away))
    what = f"{left} of {len(managers)} managers would be left while it is away" if len(managers) > 1 else (
        "it is the only manager: the swarm takes no orders while it is away (what runs goes on)"
    )  # fmt: skip
    return [Blocked(among, what, FORCE_QUORUM)]
