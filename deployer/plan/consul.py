"""Consul: its servers and agents, the waits between them, and machines in its catalogue."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from deployer.diff.cause import Cause
from deployer.model.observed import Observed, Unreachable
from deployer.model.subject import OfMachine
from deployer.plan.machines import RunContainer
from deployer.startup import defer_imports

with defer_imports():
    from deployer.diff import consul as diff_consul
    from deployer.diff import machines as diff_machines

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from deployer.diff.change import Diff
    from deployer.diff.machines import ContainerDiffers
    from deployer.model.desired import Desired
    from deployer.plan.draft import Draft
    from deployer.plan.steps import Mark


@dataclass(frozen=True)
class AwaitConsul(OfMachine):
    """Wait until Consul's server there knows a leader: before that it takes no registration.

    With several `servers`, until the leader also says that so many are healthy: before that none other may be restarted.
    """

    node: str
    timeout: float
    servers: int = 1


@dataclass(frozen=True)
class RegisterNode(OfMachine):
    """Write a machine into the catalogue, at the Consul server `via`."""

    node: str
    via: str
    address: str
    meta: Mapping[str, str]


@dataclass(frozen=True)
class DeregisterNode(OfMachine):
    """Take a machine, and what is registered on it, out of Consul's catalogue, at the Consul server `via`."""

    node: str
    via: str


ConsulOperation = AwaitConsul | RegisterNode | DeregisterNode


def mark(operation: ConsulOperation) -> Mark:
    match operation:
        case AwaitConsul():
            return "."
        case RegisterNode():
            return "+"
        case DeregisterNode():
            return "-"


def describe(operation: ConsulOperation) -> tuple[str, str]:
    match operation:
        case AwaitConsul(servers=1):
            words = "wait until Consul has a leader"
        case AwaitConsul(servers=servers):
            words = f"wait until Consul has a leader and {servers} healthy servers"
        case RegisterNode(via=via, address=address):
            words = f"register at {address} in Consul on {via}"
        case DeregisterNode():
            words = "take it out of Consul's catalogue"
    return operation.node, words


CONSUL: Final = ("consul", "")
CONSUL_TIMEOUT: Final = 60.0
"""Seconds that Consul's servers may take to elect a leader; they take 2 to 10 in practice."""


def catalogue_steps(draft: Draft, diff: Diff, desired: Desired, observed: Observed) -> None:
    """Add the steps for Consul's servers, then for its agents and the registrations.

    Servers that are missing or stopped start side by side. Those that run and are to become others go one after the
    other, each when all are healthy again, so that the leader never loses its majority; where there is no leader there is
    none to lose.
    """
    usable = list(diff_consul.server_addresses(desired.cluster, observed))
    containers = [change for change in diff.changes if isinstance(change, diff_machines.ContainerDiffers)]
    mine = [change for change in containers if change.role == "server"]
    led = len(usable) > 1 and not isinstance(observed.catalogue, Unreachable | None)
    one_by_one = [change for change in mine if led and change.cause in {Cause.CHANGED, Cause.IMAGE}]
    together = [change for change in mine if change not in one_by_one]
    if together:
        _run(draft, together)
        _await(draft, together[0].node, len(usable), [("container", change.node) for change in together])
    for change in one_by_one:
        _run(draft, [change], after=[CONSUL])
        _await(draft, change.node, len(usable), [("container", change.node)])
    registrations = [change for change in diff.changes if isinstance(change, diff_consul.NotRegistered)]
    agents = [change for change in containers if change.role == "agent"]
    if not usable:
        return
    via = usable[0]
    restarts = draft.numbers(*(("engine", node.name) for node in diff_consul.servers(desired.cluster)))
    if registrations and CONSUL not in draft.made and (isinstance(observed.catalogue, Unreachable) or restarts):
        draft.add(AwaitConsul(via, CONSUL_TIMEOUT), None, makes=CONSUL, follows=restarts)
    _run(draft, agents, after=[CONSUL])
    for registration in registrations:
        draft.add(
            RegisterNode(registration.node, via, registration.address, registration.meta),
            registration.cause,
            registration.fields,
            needs=[CONSUL, ("engine", registration.node)],
        )


def _run(draft: Draft, changes: Sequence[ContainerDiffers], after: Sequence[tuple[str, str]] = ()) -> None:
    for change in changes:
        operation = RunContainer(change.node, change.name, change.image, change.body, change.files)
        made = ("container", change.node)
        draft.add(operation, change.cause, makes=made, needs=[("engine", change.node), *after])


def _await(draft: Draft, node: str, count: int, needs: Sequence[tuple[str, str]]) -> None:
    draft.add(AwaitConsul(node, CONSUL_TIMEOUT, count), None, makes=CONSUL, needs=needs)
