"""The plan by which one machine leaves the cluster. Pure.

Its tasks go elsewhere first, then it leaves the swarm, and only then what the cluster ran on it goes, and its entries in the
managers' list and in Consul's catalogue. What is somebody else's stays on it.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from deployer.diff.cause import Cause
from deployer.diff.change import Blocked
from deployer.diff.consul import CONTAINER, VOLUME, server_addresses
from deployer.diff.registrator import CONTAINER as REGISTRATOR
from deployer.model.observed import Engine, Machine, Member, Observed, Unreachable
from deployer.plan.consul import DeregisterNode
from deployer.plan.draft import Draft
from deployer.plan.machines import WriteDaemonJson
from deployer.plan.maintenance import (
    DRAIN_SECONDS,
    AwaitDrained,
    Manner,
    PurgeEngine,
    RemoveOwn,
    SetAvailability,
    member_of,
    obstacles_of,
    spokesman,
)
from deployer.plan.steps import Plan
from deployer.plan.swarm import Demote, LeaveSwarm, RemoveMember
from deployer.plan.tls import StopTls

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from deployer.model.cluster import Node
    from deployer.model.desired import Desired
    from deployer.plan.operations import Operation


@dataclass(frozen=True)
class Departure:
    """`force`: also where services or the quorum suffer, or the machine does not answer. `purge`: remove what deployer installed, too."""

    node: str
    force: bool = False
    purge: bool = False
    volumes: tuple[str, ...] = ()
    """Those of the machine that are removed, too; none is unless it is named."""


def departure_plan(
    desired: Desired, observed: Observed, tasks: Mapping[str, Sequence[str]], departure: Departure
) -> Plan:
    """The steps of the departure; where something is in the way, that and no step."""
    node = desired.cluster.node(departure.node)
    machine = observed.machines[node.name]
    chain = _Chain(Draft())
    blocked: list[Blocked] = []
    if isinstance(machine, Unreachable):
        if not departure.force:
            help_ = "bring it back; if it is gone for good: --force takes its entries out of the swarm and of Consul"
            blocked.append(Blocked(node.name, machine.reason, help_, unreachable=True))
        _entries(chain, desired, observed, node)
    else:
        blocked += _leave(chain, desired, observed, tasks, departure)
        _own(chain, node, machine, departure)
        _entry_in_consul(chain, desired, observed, node)
        if departure.purge:
            _purge(chain, node, machine)
    purpose = f"remove {node.name}"
    via = spokesman(observed, node.name)
    steps = () if blocked else tuple(chain.draft.steps)
    return Plan(desired.cluster.name, desired.commit, steps, tuple(blocked), manager=via, purpose=purpose)


@dataclass
class _Chain:
    """Each step needs the one before it."""

    draft: Draft
    last: tuple[int, ...] = ()

    def add(self, operation: Operation) -> None:
        cause = None if isinstance(operation, AwaitDrained) else Cause.ASKED
        self.last = (self.draft.add(operation, cause, needed=self.last),)


def _leave(
    chain: _Chain, desired: Desired, observed: Observed, tasks: Mapping[str, Sequence[str]], departure: Departure
) -> list[Blocked]:
    """Drained, demoted, out of the swarm, and out of the managers' list."""
    node = desired.cluster.node(departure.node)
    blocked: list[Blocked] = []
    if node.consul_server and not departure.force:
        blocked.append(
            Blocked(
                node.name,
                "it runs one of Consul's servers",
                "set `consul: server` in another machine's file, take it out of this one's, and `deployer apply` first",
            )
        )
    member = member_of(observed, node.name)
    if member is None:
        return blocked
    via = spokesman(observed, node.name)
    if via == node.name:
        help_ = (
            "make another machine a manager first; `docker swarm leave --force` there ends the swarm with all services"
        )
        return [*blocked, Blocked(node.name, "it is the only manager that answers: the swarm would be gone", help_)]
    stays, obstacles = obstacles_of(desired, observed, tasks, node, member, Manner(rolling=True, force=departure.force))
    blocked += [one for one in obstacles if one.subject != node.name or "manager" not in one.reason]
    blocked += _majority(node, member, observed.members)
    waited = tuple(one.name for one in observed.services if one.name not in stays and not one.finite)
    chain.add(SetAvailability(node.name, via, member.id, "drain"))
    chain.add(AwaitDrained(node.name, via, member.id, waited, DRAIN_SECONDS))
    if member.role == "manager":
        chain.add(Demote(node.name, via, member.id))
    chain.add(LeaveSwarm(node.name))
    chain.add(RemoveMember(node.name, via, member.id))
    return blocked


def _majority(node: Node, member: Member, members: Sequence[Member]) -> list[Blocked]:
    """A manager that is demoted counts no more, for or against: more than half of the others have to answer (raft)."""
    others = [one for one in members if one.role == "manager" and one.id != member.id]
    ready = sum(one.state == "ready" for one in others)
    if member.role != "manager" or 2 * ready > len(others):
        return []
    help_ = "bring the others back first, or remove those that are gone"
    return [Blocked(node.name, f"{ready} of the other {len(others)} managers answer: none could be demoted", help_)]


def _own(chain: _Chain, node: Node, machine: Machine, departure: Departure) -> None:
    """The cluster's own containers: they would register the machine again."""
    engine = machine.engine
    present = {one.name for one in engine.containers} if isinstance(engine, Engine) else set()
    containers = tuple(name for name in (REGISTRATOR, CONTAINER) if name in present)
    volumes = ((VOLUME,) if departure.purge and CONTAINER in present else ()) + departure.volumes
    if containers or volumes:
        chain.add(RemoveOwn(node.name, containers, volumes))


def _entries(chain: _Chain, desired: Desired, observed: Observed, node: Node) -> None:
    """Of a machine that does not answer: nothing can be done on it, and its name is all that is known of it."""
    for member in lost_entries(observed, node.name):
        via = spokesman(observed, node.name)
        if member.role == "manager":
            chain.add(Demote(node.name, via, member.id, away=True))
        chain.add(RemoveMember(node.name, via, member.id))
    _entry_in_consul(chain, desired, observed, node)


def lost_entries(observed: Observed, name: str) -> list[Member]:
    """The swarm's entries with that host name whose machine is down."""
    members = observed.members
    return [member for member in members if member.hostname == name and member.state == "down"]


def _entry_in_consul(chain: _Chain, desired: Desired, observed: Observed, node: Node) -> None:
    known = {entry.name for entry in observed.catalogue} if isinstance(observed.catalogue, tuple) else set()
    via = next((name for name in server_addresses(desired.cluster, observed) if name != node.name), "")
    if via and node.name in known:
        chain.add(DeregisterNode(node.name, via))


def _purge(chain: _Chain, node: Node, machine: Machine) -> None:
    """Add the steps that remove TLS, what git's `engine.daemon` put into daemon.json, and the packages.

    Whatever else is in daemon.json stays.
    """
    if machine.engine is None:
        return
    if machine.tls:
        chain.add(StopTls(node.name))
    text = without_ours(machine.daemon_json or "", node.engine.daemon)
    if text is not None:
        chain.add(WriteDaemonJson(node.name, text, "restart"))
    chain.add(PurgeEngine(node.name))


def without_ours(text: str, ours: Mapping[str, Any]) -> str | None:
    """daemon.json without the keys that git names, at any depth; None where it has none of them, or is no object."""
    try:
        present = json.loads(text.strip() or "{}")
    except ValueError:
        return None
    if not isinstance(present, dict):
        return None
    left = _less(present, ours)
    return None if left == present else json.dumps(left, indent=2, sort_keys=True) + "\n"


def _less(present: Mapping[str, Any], ours: Mapping[str, Any]) -> dict[str, Any]:
    left: dict[str, Any] = {}
    for key, value in present.items():
        if key not in ours:
            left[key] = value
        elif isinstance(value, dict) and isinstance(ours[key], dict) and (rest := _less(value, ours[key])):
            left[key] = rest
    return left
