"""Steps that change who is in the swarm, and as what."""

from dataclasses import replace

from deployer.model.observed import Engine, Machine, Member, Membership, Observed, Swarm
from deployer.plan.maintenance import AwaitDrained, AwaitReady, SetAvailability
from deployer.plan.swarm import Demote, InitSwarm, JoinSwarm, LeaveSwarm, RemoveMember, UpdateMember
from tests.literals.swarm import change_member, change_swarm, make_member, make_swarm
from tests.model_cluster.step import change_engine, get_engine, run_step

CLUSTER_ID = "swarm1"


def get_swarm(seen: Observed, via: str) -> Swarm:
    """The swarm, as the machine `via` says it."""
    assert seen.swarm is not None, "there is no swarm"
    assert get_engine(seen, via).membership.manager, f"{via} is asked, and is no manager (any more)"
    return seen.swarm


def get_member(seen: Observed, node_id: str) -> Member:
    assert seen.swarm is not None
    (found,) = (one for one in seen.swarm.members if one.id == node_id)
    return found


@run_step.register
def init_swarm(operation: InitSwarm, seen: Observed, manager: str) -> Observed:
    assert seen.swarm is None, "a second swarm"
    assert get_engine(seen, operation.node).membership.state == "inactive"
    joined = change_engine(seen, operation.node, membership=_membership(f"n-{operation.node}", manager=True))
    first = make_member(f"n-{operation.node}", "manager", leader=True)
    return replace(joined, swarm=make_swarm(first, via=operation.node))


@run_step.register
def join_swarm(operation: JoinSwarm, seen: Observed, manager: str) -> Observed:
    swarm = get_swarm(seen, operation.via)
    assert get_engine(seen, operation.node).membership.state == "inactive"
    node_id = f"n-{operation.node}"
    while node_id in {one.id for one in swarm.members}:  # of an earlier life
        node_id += "-again"
    membership = _membership(node_id, manager=operation.role == "manager")
    joined = change_engine(seen, operation.node, membership=membership)
    entry = replace(make_member(f"n-{operation.node}", operation.role), id=node_id)
    return change_swarm(joined, members=(*swarm.members, entry))


@run_step.register
def update_member(operation: UpdateMember, seen: Observed, manager: str) -> Observed:
    get_swarm(seen, operation.via)
    node_id = get_engine(seen, operation.node).membership.node_id
    changed = _set_role(seen, node_id, operation.role)
    return change_member(changed, node_id, availability=operation.availability, labels=operation.labels)


@run_step.register
def set_availability(operation: SetAvailability, seen: Observed, manager: str) -> Observed:
    get_swarm(seen, operation.via)
    return change_member(seen, operation.member, availability=operation.availability)


@run_step.register
def await_drained(operation: AwaitDrained, seen: Observed, manager: str) -> Observed:
    swarm = get_swarm(seen, operation.via)
    assert get_member(seen, operation.member).availability == "drain", "it would be waited for in vain"
    assert set(operation.services) <= {one.name for one in swarm.services}
    return seen


@run_step.register
def await_ready(operation: AwaitReady, seen: Observed, manager: str) -> Observed:
    swarm = get_swarm(seen, operation.via)
    assert get_member(seen, operation.member).state == "ready"
    assert set(operation.services) <= {one.name for one in swarm.services}
    return seen


@run_step.register
def demote(operation: Demote, seen: Observed, manager: str) -> Observed:
    get_swarm(seen, operation.via)
    assert get_member(seen, operation.member).role == "manager"
    return _set_role(seen, operation.member, "worker")


@run_step.register
def leave_swarm(operation: LeaveSwarm, seen: Observed, manager: str) -> Observed:
    membership = get_engine(seen, operation.node).membership
    assert membership.state == "active"
    assert not membership.manager, "a manager that leaves takes its voice along"
    left = change_engine(seen, operation.node, membership=Membership("inactive"))
    return change_member(left, membership.node_id, state="down")


@run_step.register
def remove_member(operation: RemoveMember, seen: Observed, manager: str) -> Observed:
    swarm = get_swarm(seen, operation.via)
    gone = get_member(seen, operation.member)
    assert gone.role == "worker", "managers do not let go of one of them"
    assert operation.alive or gone.state == "down", "nor of one that is not down, if it is not forced"
    return change_swarm(seen, members=tuple(one for one in swarm.members if one.id != gone.id))


def _membership(node_id: str, *, manager: bool) -> Membership:
    return Membership("active", node_id, "", manager, CLUSTER_ID if manager else "")


def _set_role(seen: Observed, node_id: str, role: str) -> Observed:
    """In the managers' list, and as its engine says it, where that can be asked."""
    assert seen.swarm is not None
    others = [one for one in seen.swarm.members if one.id != node_id]
    assert role == "manager" or any(one.role == "manager" for one in others), "the last manager is demoted"
    for name, machine in seen.machines.items():
        engine = machine.engine if isinstance(machine, Machine) else None
        if isinstance(engine, Engine) and engine.membership.node_id == node_id:
            seen = change_engine(seen, name, membership=_membership(node_id, manager=role == "manager"))
    return change_member(seen, node_id, role=role)
