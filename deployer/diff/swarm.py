"""The swarm: who is a member, with which role, availability and labels."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Literal

from deployer.diff.cause import Cause
from deployer.diff.change import Blocked, Diff
from deployer.diff.fields import fields
from deployer.diff.machines import advertise_address, no_address, usable, wrong_clock
from deployer.model import labels
from deployer.model.amounts import plural
from deployer.model.observed import Engine, Machine, Member, Membership, Observed, Silent, Unreachable
from deployer.model.subject import OfMachine

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from deployer.diff.changes import Change
    from deployer.model.cluster import Cluster, Node
    from deployer.model.field import Field


@dataclass(frozen=True)
class NoSwarm(OfMachine):
    """There is no swarm yet: this machine starts it."""

    node: str
    advertise: str
    cause: Cause = Cause.NOT_FOUND


@dataclass(frozen=True)
class NotMember(OfMachine):
    node: str
    role: Literal["manager", "worker"]
    advertise: str
    cause: Cause = Cause.NOT_FOUND


@dataclass(frozen=True)
class StaleMember(OfMachine):
    """An entry in the managers' list that a machine had before it was installed anew: it goes once the machine has joined."""

    node: str
    member: str
    manager: bool = False
    cause: Cause = Cause.SUPERSEDED


@dataclass(frozen=True)
class MemberDiffers(OfMachine):
    """Role, availability or labels of a member; `labels` is the whole set to be written."""

    node: str
    role: Literal["manager", "worker"]
    availability: str
    labels: Mapping[str, str]
    fields: tuple[Field, ...]
    cause: Cause = Cause.CHANGED

    @property
    def turns(self) -> str:
        """The role that it gets and does not have yet; empty where that stays."""
        return next((self.role for field in self.fields if field.path == "role"), "")


@dataclass(frozen=True)
class MemberSurplus(OfMachine):
    """A member of the swarm whose machine's file is gone; `node` is the name that it had, `state` what the managers call it."""

    node: str
    id: str
    role: str
    state: str
    cause: Cause = Cause.GONE


SwarmChange = NoSwarm | NotMember | StaleMember | MemberDiffers | MemberSurplus


_OURS: Final = frozenset({labels.KEYS, labels.CLUSTER, labels.NODE})
"""Labels that say whose a member is: written with the others, and shown to nobody."""


def diff_swarm(cluster: Cluster, observed: Observed) -> Diff:
    """Membership, roles, availability, labels. A second swarm is never started beside one that could not be seen."""
    wanted = [node for node in cluster.nodes if node.role != "none"]
    reachable = [(node, machine) for node in wanted if isinstance(machine := observed.machines[node.name], Machine)]
    blocked = [
        no_address(node, "the other machines cannot reach it")
        for node, machine in reachable
        if advertise_address(node, machine) is None
    ]
    able = [(node, machine) for node, machine in reachable if advertise_address(node, machine) is not None]
    changes: list[Change] = []
    starter = ""
    if obstacle := swarm_obstacle(cluster, observed):
        return Diff((), (*blocked, obstacle))
    if observed.swarm is None and wanted:
        startable = [(node, machine) for node, machine in able if node.role == "manager" and usable(node, machine)]
        if not startable:
            return Diff((), (*blocked, _no_starter()))
        node, machine = startable[0]
        starter = node.name
        changes.append(NoSwarm(starter, str(advertise_address(node, machine))))
    unchanged = 0
    for node, machine in able:
        if not usable(node, machine):
            continue  # diff_engines says so
        found, obstacle = _membership_changes(cluster, node, machine, observed, starts=node.name == starter)
        changes += found
        blocked += [obstacle] if obstacle else []
        unchanged += not found and obstacle is None and node.name != starter
    demotions = [c for c in changes if isinstance(c, MemberDiffers) and c.turns == "worker"]
    if demotions and not _majority_after(changes, observed):
        blocked += [_last_ones(change.node) for change in demotions]
        changes = [change for change in changes if change not in demotions]
    blocked += _strays(cluster, observed)
    return Diff(tuple(changes), tuple(blocked), unchanged)


def swarm_obstacle(cluster: Cluster, observed: Observed) -> Blocked | None:
    """Why nothing may be done with the swarm: it cannot be told which one is the cluster's, or whether there is one."""
    wanted = [node for node in cluster.nodes if node.role != "none"]
    if not wanted:
        return None
    return _cannot_start(wanted, observed) if observed.swarm is None else _two_swarms(wanted, observed)


def _majority_after(changes: Sequence[Change], observed: Observed) -> bool:
    """Whether more than half of the managers would answer after the changes: with fewer, a swarm takes no orders."""
    ids = {
        name: machine.engine.membership.node_id
        for name, machine in observed.machines.items()
        if isinstance(machine, Machine) and isinstance(machine.engine, Engine)
    }
    members = observed.members
    ready = {member.id: member.state == "ready" for member in members if member.role == "manager"}
    joining = 0
    for change in changes:
        if isinstance(change, MemberDiffers) and change.turns == "worker":
            ready.pop(ids[change.node], None)
        elif isinstance(change, MemberDiffers) and change.turns == "manager":
            ready[ids[change.node]] = True
        elif isinstance(change, NotMember) and change.role == "manager":
            joining += 1
    return 2 * (sum(ready.values()) + joining) > len(ready) + joining


def _last_ones(name: str) -> Blocked:
    return Blocked(
        name,
        "it is to be a worker, and too few managers would be left for the swarm to take orders",
        "first bring back the others, or make other machines managers",
    )


def _two_swarms(wanted: list[Node], observed: Observed) -> Blocked | None:
    """Managers know their swarm's id: a machine that brings another swarm along must not have the stacks put there."""
    swarms: dict[str, str] = {}
    for node in wanted:
        machine = observed.machines[node.name]
        if isinstance(machine, Machine) and isinstance(machine.engine, Engine) and machine.engine.membership.manager:
            swarms.setdefault(machine.engine.membership.cluster_id, node.name)
    swarms.pop("", None)
    if len(swarms) < 2:
        return None
    return Blocked(
        "swarm", f"{' and '.join(swarms.values())} are managers of different swarms",
        "`docker swarm leave --force` on the one that does not belong to this cluster",
    )  # fmt: skip


def _cannot_start(wanted: list[Node], observed: Observed) -> Blocked | None:
    """Why no swarm may be started: a machine that may belong to one could not be asked, or is in one without its managers."""
    inside = [(node, place) for node in wanted if (place := _place(node, observed)) and place.state != "inactive"]
    if inside:
        return _without_leader(wanted, inside, observed)
    for node in wanted:
        machine = observed.machines[node.name]
        if node.role == "manager" and isinstance(machine, Unreachable):
            return _cannot_tell(f"manager {node.name} is unreachable", unreachable=True)
        if node.role == "manager" and _is_silent(machine):
            return _cannot_tell(f"the engine of manager {node.name} does not answer", unreachable=False)
    if not any(node.role == "manager" for node in wanted):
        return Blocked("swarm", "no machine is a manager", "set `swarm: manager` in one file of cluster/nodes/")
    return None


def _is_silent(machine: Machine | Unreachable) -> bool:
    return isinstance(machine, Unreachable) or isinstance(machine.engine, Silent)


def _place(node: Node, observed: Observed) -> Membership | None:
    """What its engine says of its place in a swarm; None if it cannot say."""
    machine = observed.machines[node.name]
    return machine.engine.membership if isinstance(machine, Machine) and isinstance(machine.engine, Engine) else None


def _without_leader(wanted: list[Node], inside: list[tuple[Node, Membership]], observed: Observed) -> Blocked:
    """There is a swarm that takes no orders. Whatever is advised must not cost its last copy, which its managers have."""
    managers = [node.name for node in wanted if node.role == "manager"]
    here = [node.name for node, _ in inside if node.role == "manager"]
    silent = [name for name in managers if _is_silent(observed.machines[name])]
    if silent:
        advice = f"bring {' and '.join(silent)} back"
        if here:
            advice += (
                f"; if {'it is' if len(silent) == 1 else 'they are'} gone for good: deployer swarm recover {here[0]}"
            )
        lost = all(isinstance(observed.machines[name], Unreachable) for name in silent)
        return Blocked("swarm", _count_managers(len(managers), len(here), silent), advice, unreachable=lost)
    first, place = inside[0]
    advice = f"add a manager of it to cluster/nodes/; or take {first.name} out of it: `docker swarm leave` there"
    if here:
        advice = (
            f"see `docker node ls` on {here[0]}; if its managers are gone for good: deployer swarm recover {here[0]}"
        )
    reason = f"{first.name} is in a swarm ({place.state}) of which no reachable machine is a working manager"
    return Blocked("swarm", reason, advice)


def _count_managers(total: int, answering: int, silent: list[str]) -> str:
    """`1 of 3 managers answers, and 2 are needed: not m2 and m3`"""
    needed, names = total // 2 + 1, " and ".join(silent)
    counted = f"{answering} of {plural(total, 'manager')} answer{'s' if answering == 1 else ''}"
    if answering >= needed:
        return f"{counted} and elected no leader yet; {names} {'does' if len(silent) == 1 else 'do'} not answer"
    return f"{counted}, and {needed} {'is' if needed == 1 else 'are'} needed: not {names}"


def _cannot_tell(why: str, *, unreachable: bool) -> Blocked:
    return Blocked(
        "swarm",
        f"whether there is one cannot be told while {why}",
        "bring it back; if there has never been a swarm, take it out of cluster/nodes/",
        unreachable,
    )


def _no_starter() -> Blocked:
    return Blocked(
        "swarm", "none of the machines that are to be managers can start it", "solve what the plan says of them first"
    )


def _strays(cluster: Cluster, observed: Observed) -> list[Blocked]:
    """Machines that git keeps out of the swarm and that are in it. Leaving is a removal: it is not done by the way."""
    ids = {member.id for member in observed.members}
    return [
        Blocked(
            node.name,
            "it is in the swarm, and git says `swarm: none`",
            f"drain it and run `docker swarm leave` there, or set its role in {node.path}",
        )
        for node in cluster.nodes
        if node.role == "none"
        and isinstance(machine := observed.machines[node.name], Machine)
        and isinstance(machine.engine, Engine)
        and machine.engine.membership.node_id in ids
    ]


def _membership_changes(
    cluster: Cluster, node: Node, machine: Machine, observed: Observed, *, starts: bool
) -> tuple[list[Change], Blocked | None]:
    advertise = str(advertise_address(node, machine))
    engine = machine.engine
    membership = engine.membership if isinstance(engine, Engine) else None
    if membership is None or membership.state == "inactive":
        if wrong := wrong_clock(node, machine):
            return [], wrong if machine.engine is not None else None  # diff_engines says so
        joined: list[Change] = [] if starts else [NotMember(node.name, _role(node), advertise)]
        return joined + _stale(node, advertise, observed) + _member_differs(cluster, node, None), None
    swarm = observed.swarm
    member = next((m for m in swarm.members if m.id == membership.node_id), None) if swarm else None
    if member is None and membership.state != "active":
        return [], Blocked(
            node.name, f"its engine calls its place in the swarm {membership.state}",
            "`docker info` there says why; `docker swarm leave` there lets it join anew",
        )  # fmt: skip
    if member is None:
        return [], Blocked(
            node.name, "it is in a swarm that is not this cluster's",
            "`docker swarm leave` there takes it out; deployer never does that by itself",
        )  # fmt: skip
    return _member_differs(cluster, node, member), None


def _role(node: Node) -> Literal["manager", "worker"]:
    """That of a machine which is to be in the swarm."""
    return "manager" if node.role == "manager" else "worker"


def _stale(node: Node, advertise: str, observed: Observed) -> list[Change]:
    """Entries that the machine had in an earlier life, under another id: it was installed anew, or has left by hand."""
    engines = (one.engine for one in observed.machines.values() if isinstance(one, Machine))
    alive = {engine.membership.node_id for engine in engines if isinstance(engine, Engine)}
    return [
        StaleMember(node.name, member.id, manager=member.role == "manager")
        for member in observed.members
        if member.state == "down"
        and member.id not in alive
        and (member.hostname == node.name or member.address == advertise)
    ]


def _member_differs(cluster: Cluster, node: Node, member: Member | None) -> list[Change]:
    """Labels that git names are ours; which those are is remembered in a label, so that one taken out of git goes away."""
    present = dict(member.labels) if member else {}
    owned = {key for key in present.get(labels.KEYS, "").split(",") if key}
    kept = {key: value for key, value in present.items() if key not in owned and key != labels.KEYS}
    wanted = kept | dict(node.labels) | {labels.CLUSTER: cluster.name, labels.NODE: node.name}
    if node.labels:
        wanted[labels.KEYS] = ",".join(sorted(dict(node.labels)))
    old = {"role": member.role if member else node.role, "availability": member.availability if member else "active"}
    new = {"role": node.role, "availability": node.availability}
    shown = fields(
        old | {"labels": {k: v for k, v in present.items() if k not in _OURS}},
        new | {"labels": {k: v for k, v in wanted.items() if k not in _OURS}},
    )
    # Whose it is, a machine is told when it joins.
    same = present == wanted if member else not node.labels
    if not shown and same:
        return []
    cause = Cause.CHANGED if member else Cause.NOT_FOUND
    return [MemberDiffers(node.name, _role(node), node.availability, wanted, shown, cause)]
