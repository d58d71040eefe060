"""Steps on machines: engines and the swarm. Changes in, steps onto the draft."""

from __future__ import annotations

from typing import TYPE_CHECKING

from deployer.diff.change import (
    DaemonJson,
    Diff,
    EngineMissing,
    MemberDiffers,
    NoSwarm,
    NotMember,
    StaleMember,
    TlsDiffers,
    TlsSurplus,
)
from deployer.model.observed import Engine, Machine, Observed
from deployer.plan.care import Demote, RemoveMember
from deployer.plan.operations import (
    InitSwarm,
    InstallEngine,
    JoinSwarm,
    UpdateMember,
    WriteDaemonJson,
)
from deployer.plan.tls import ListenTls, StopTls

if TYPE_CHECKING:
    from collections.abc import Sequence

    from deployer.diff.change import Field
    from deployer.model.desired import Desired
    from deployer.plan.draft import Draft


def manager_of(diff: Diff, desired: Desired, observed: Observed) -> str:
    """The machine through which the swarm is spoken to: one that is a manager and stays one, or will start the swarm.

    Where none of today's managers stays one, the one that was asked: it is demoted last of all.
    """
    if observed.swarm is None:
        return next((change.node for change in diff.changes if isinstance(change, NoSwarm)), "")
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


def engine_steps(draft: Draft, diff: Diff) -> None:
    """daemon.json before an engine that is yet to be installed, so that its first start is the right one; after it else.

    Engines restart one after the other, and none after one that did not come back: a setting that dockerd refuses
    must not take down every machine, and managers that restart at once leave the swarm without a quorum.
    """
    for change in diff.changes:
        if isinstance(change, DaemonJson):
            operation = WriteDaemonJson(change.node, change.text, change.effect)
            restarts = change.effect == "restart"
            number = draft.add(
                operation,
                change.cause,
                change.fields,
                makes=("engine", change.node),
                needs=[("restart", "")] if restarts else [],
            )
            if restarts:
                draft.made["restart", ""] = number
    for change in diff.changes:
        if isinstance(change, EngineMissing):
            key = ("engine", change.node)
            draft.add(InstallEngine(change.node, change.method), change.cause, makes=key, needs=[key])
    _tls_steps(draft, diff)


def _tls_steps(draft: Draft, diff: Diff) -> None:
    """Each restarts an engine, with what runs there: one after the other, too."""
    for change in diff.changes:
        if isinstance(change, TlsDiffers | TlsSurplus):
            operation: ListenTls | StopTls = StopTls(change.node)
            fields: tuple[Field, ...] = ()
            if isinstance(change, TlsDiffers):
                operation, fields = ListenTls(change.node, change.names, change.arguments), change.fields
            key = ("engine", change.node)
            number = draft.add(operation, change.cause, fields, makes=key, needs=[key, ("restart", "")])
            draft.made["restart", ""] = number


def swarm_steps(draft: Draft, diff: Diff, manager: str) -> list[MemberDiffers]:
    """Start, join, change members. Returns what has to come last of all: the demotion of `manager` itself."""
    swarm = ("swarm", "")
    for change in diff.changes:
        if isinstance(change, NoSwarm):
            key = ("member", change.node)
            number = draft.add(
                InitSwarm(change.node, change.advertise), change.cause, makes=key, needs=[("engine", change.node)]
            )
            draft.made[swarm] = number
    for change in diff.changes:
        if isinstance(change, NotMember):
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
    members = [change for change in diff.changes if isinstance(change, MemberDiffers)]
    for change in sorted(members, key=lambda change: (_rank(change), change.node)):
        if not (_rank(change) == DEMOTION and change.node == manager):
            member_step(draft, change, manager, follows=draft.numbers(("engine", manager)))
    return [change for change in members if _rank(change) == DEMOTION and change.node == manager]


def _stale_steps(draft: Draft, diff: Diff, manager: str) -> None:
    """Entries of an earlier life go once the machine has joined anew."""
    for change in (change for change in diff.changes if isinstance(change, StaleMember)):
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
    """Nobody is demoted unless everybody who is to be a manager is one: the swarm never has fewer than before or after."""
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
