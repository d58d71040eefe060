"""Steps for machines, containers and images that git does not have any more.

Last of all, when everything else has succeeded: a machine is emptied first, and goes only when what ran on it runs elsewhere.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from deployer.diff.consul import EntrySurplus, meta, server_addresses
from deployer.diff.machines import ContainerSurplus, advertise_address
from deployer.diff.registrator import ImageSurplus
from deployer.diff.stacks import ServiceSurplus
from deployer.diff.swarm import MemberSurplus
from deployer.model.observed import Machine
from deployer.plan.consul import CONSUL_TIMEOUT, AwaitConsul, DeregisterNode, RegisterNode
from deployer.plan.machines import RetireContainer
from deployer.plan.maintenance import DRAIN_SECONDS, AwaitDrained, SetAvailability
from deployer.plan.registrator import RemoveImage
from deployer.plan.stacks import RollBackStack
from deployer.plan.swarm import Demote, RemoveMember

if TYPE_CHECKING:
    from deployer.diff.change import Diff
    from deployer.model.desired import Desired
    from deployer.model.observed import Observed
    from deployer.plan.draft import Draft


def departed_steps(draft: Draft, diff: Diff, desired: Desired, observed: Observed, manager: str) -> None:
    """Add the steps that remove machines, one after the other, and then containers and images on machines that stay."""
    before = tuple(step.number for step in draft.steps if not isinstance(step.operation, RollBackStack))
    last: tuple[int, ...] = ()
    for gone in diff.changes:
        if isinstance(gone, MemberSurplus):
            last = _member(draft, gone, diff, observed, manager, (*before, *last))
            draft.made["departed", gone.node] = last[0]
    for entry in diff.changes:
        if isinstance(entry, EntrySurplus):
            needs = [("departed", entry.node)]
            draft.add(DeregisterNode(entry.node, entry.via), entry.cause, needs=needs, needed=before)
    _containers(draft, diff, desired, observed, before)
    for image in diff.changes:
        if isinstance(image, ImageSurplus):
            draft.add(RemoveImage(image.node, image.image), image.cause, follows=tuple(draft.made.values()))


def _member(
    draft: Draft, gone: MemberSurplus, diff: Diff, observed: Observed, manager: str, needed: tuple[int, ...]
) -> tuple[int]:
    """Drained, waited for, demoted, out of the list. One that is down has nothing left to wait for."""
    alive = gone.state == "ready"
    leaving = {change.name for change in diff.changes if isinstance(change, ServiceSurplus)}
    services = observed.services
    waited = tuple(one.name for one in services if not one.finite and one.name not in leaving)
    if alive:
        drain = draft.add(SetAvailability(gone.node, manager, gone.id, "drain"), gone.cause, needed=needed)
        wait = AwaitDrained(gone.node, manager, gone.id, waited, DRAIN_SECONDS)
        needed = (draft.add(wait, None, needed=[drain]),)
    if gone.role == "manager":
        needed = (draft.add(Demote(gone.node, manager, gone.id, away=True), gone.cause, needed=needed),)
    return (draft.add(RemoveMember(gone.node, manager, gone.id, alive), gone.cause, needed=needed),)


def _containers(draft: Draft, diff: Diff, desired: Desired, observed: Observed, before: tuple[int, ...]) -> None:
    """Registrators first, which say goodbye to a Consul. Then Consul's, one after the other, as long as there is one that stays."""
    going = [change for change in diff.changes if isinstance(change, ContainerSurplus)]
    last = before
    for one in sorted(going, key=lambda change: (change.role == "Consul", change.node)):
        number = draft.add(RetireContainer(one.node, one.name, one.role, one.joins), one.cause, needed=last)
        if one.role == "Consul":
            last = (*before, number)
            stay = list(server_addresses(desired.cluster, observed)) if desired.cluster.consul else []
            if stay:
                last = (draft.add(AwaitConsul(stay[0], CONSUL_TIMEOUT, len(stay)), None, needed=[number]),)
                _register_again(draft, one, stay[0], desired, observed, last)


def _register_again(
    draft: Draft, gone: ContainerSurplus, via: str, desired: Desired, observed: Observed, needed: tuple[int, ...]
) -> None:
    """The machine stays one of the cluster's: what its own Consul had said of it goes out of the catalogue with that."""
    node, machine = desired.cluster.node(gone.node), observed.machines[gone.node]
    address = advertise_address(node, machine) if isinstance(machine, Machine) else None
    if isinstance(machine, Machine) and address is not None:
        told = meta(desired.cluster, node, machine, desired.commit)
        draft.add(RegisterNode(gone.node, via, address, told), gone.cause, needed=needed)
