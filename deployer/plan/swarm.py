"""The swarm: machines join it, change in it and leave it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from deployer.model.observed import Engine, Machine, Observed
from deployer.model.subject import OfMachine
from deployer.startup import defer_imports

with defer_imports():
    from deployer.diff import swarm as diff_swarm

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from deployer.diff.change import Diff
    from deployer.diff.swarm import MemberDiffers
    from deployer.model.desired import Desired
    from deployer.plan.draft import Draft
    from deployer.plan.steps import Mark


@dataclass(frozen=True)
class InitSwarm(OfMachine):
    node: str
    advertise: str


@dataclass(frozen=True)
class JoinSwarm(OfMachine):
    """Join through `via`, a manager, whose token is fetched at that moment and never shown."""

    node: str
    role: Literal["manager", "worker"]
    advertise: str
    via: str


@dataclass(frozen=True)
class UpdateMember(OfMachine):
    """Role, availability and the whole set of labels of a machine in the swarm, written by a manager."""

    node: str
    via: str
    role: Literal["manager", "worker"]
    availability: str
    labels: Mapping[str, str]


@dataclass(frozen=True)
class Demote(OfMachine):
    """Make a manager a worker before it leaves, and wait until it is one. `away`: the machine itself cannot be asked."""

    node: str
    via: str
    member: str
    away: bool = False


@dataclass(frozen=True)
class LeaveSwarm(OfMachine):
    node: str


@dataclass(frozen=True)
class RemoveMember(OfMachine):
    """Take an entry out of the managers' list: of the machine `node`, which has left, or is not there any more.

    `alive`: nobody can ask it to leave, and the managers let go of it although it answers them.
    """

    node: str
    via: str
    member: str
    alive: bool = False


@dataclass(frozen=True)
class ForceNewCluster(OfMachine):
    """Start a swarm of one manager from what this machine knows: the quorum is gone for good."""

    node: str
    advertise: str


SwarmOperation = InitSwarm | JoinSwarm | UpdateMember | Demote | LeaveSwarm | RemoveMember | ForceNewCluster


def mark(operation: SwarmOperation) -> Mark:
    match operation:
        case InitSwarm() | JoinSwarm():
            return "+"
        case UpdateMember() | Demote() | ForceNewCluster():
            return "~"
        case LeaveSwarm() | RemoveMember():
            return "-"


def describe(operation: SwarmOperation) -> tuple[str, str]:
    match operation:
        case InitSwarm(advertise=advertise):
            words = f"start the swarm at {advertise}"
        case JoinSwarm(role=role, advertise=advertise, via=via):
            words = f"join the swarm of {via} as {role} at {advertise}"
        case UpdateMember():
            words = "set role, availability and labels in the swarm"
        case Demote(away=away):
            words = "make it a worker in the swarm's list" if away else "make it a worker, and wait until it is one"
        case LeaveSwarm():
            words = "leave the swarm"
        case RemoveMember(alive=alive):
            stays = "; its engine, containers and volumes stay on it" if alive else ""
            words = f"take its entry out of the swarm's list{stays}"
        case ForceNewCluster(advertise=advertise):
            words = f"start a swarm of this one manager at {advertise} from what it knows"
    return operation.node, words


def manager_of(diff: Diff, desired: Desired, observed: Observed) -> str:
    """The machine through which the swarm is spoken to: one that is a manager and stays one, or will start the swarm.

    Where none of today's managers stays one, the one that was asked: it is demoted last of all.
    """
    if observed.swarm is None:
        return next((change.node for change in diff.changes if isinstance(change, diff_swarm.NoSwarm)), "")
    stay = [node.name for node in desired.cluster.nodes if node.role == "manager" and _leads(observed, node.name)]
    return stay[0] if stay and observed.swarm.via not in stay else observed.swarm.via


def _leads(observed: Observed, name: str) -> bool:
    machine = observed.machines[name]
    return (
        isinstance(machine, Machine)
        and isinstance(machine.engine, Engine)
        and machine.engine.membership.manager
        and machine.engine.membership.state == "active"
    )


def swarm_steps(draft: Draft, diff: Diff, manager: str) -> list[MemberDiffers]:
    """Add the steps that start the swarm, join it and change members. Returns the demotion of `manager` itself, which comes last of all."""
    swarm = ("swarm", "")
    for change in diff.changes:
        if isinstance(change, diff_swarm.NoSwarm):
            key = ("member", change.node)
            number = draft.add(
                InitSwarm(change.node, change.advertise), change.cause, makes=key, needs=[("engine", change.node)]
            )
            draft.made[swarm] = number
    for change in diff.changes:
        if isinstance(change, diff_swarm.NotMember):
            number = draft.add(
                JoinSwarm(change.node, change.role, change.advertise, manager),
                change.cause,
                makes=("member", change.node),
                needs=[swarm, ("engine", change.node)],
                follows=draft.numbers(("engine", manager)),
            )
            if change.role == "manager":
                draft.more_managers.append(number)
    _stale_steps(draft, diff, manager)
    members = [change for change in diff.changes if isinstance(change, diff_swarm.MemberDiffers)]
    for change in sorted(members, key=lambda change: (_rank(change), change.node)):
        if not (_rank(change) == DEMOTION and change.node == manager):
            member_step(draft, change, manager, follows=draft.numbers(("engine", manager)))
    return [change for change in members if _rank(change) == DEMOTION and change.node == manager]


def _stale_steps(draft: Draft, diff: Diff, manager: str) -> None:
    """Entries of an earlier life go once the machine has joined anew."""
    for change in (change for change in diff.changes if isinstance(change, diff_swarm.StaleMember)):
        joined = [("member", change.node)]
        demoted: tuple[int, ...] = ()
        if change.manager:
            demote = Demote(change.node, manager, change.member, away=True)
            demoted = (draft.add(demote, change.cause, needs=joined),)
        draft.add(RemoveMember(change.node, manager, change.member), change.cause, needs=joined, needed=demoted)


PROMOTION, CHANGE, DEMOTION = range(3)


def _rank(change: MemberDiffers) -> int:
    return {"manager": PROMOTION, "worker": DEMOTION}.get(change.turns, CHANGE)


def member_step(draft: Draft, change: MemberDiffers, manager: str, follows: Sequence[int]) -> None:
    """Add a member's step. Nobody is demoted before all new managers are managers, so that the swarm never has too few."""
    rank = _rank(change)
    number = draft.add(
        UpdateMember(change.node, manager, change.role, change.availability, change.labels),
        change.cause,
        change.fields,
        needs=[("member", change.node), ("swarm", "")],
        needed=draft.more_managers if rank == DEMOTION else (),
        follows=follows,
    )
    if rank == PROMOTION:
        draft.more_managers.append(number)
