"""Steps at Consul: its servers and agents, the waits between them, the registrations. Changes in, steps onto the draft."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from deployer.diff.change import Cause, ContainerDiffers, Diff, NotRegistered
from deployer.diff.consul import server_addresses, servers
from deployer.model.observed import Observed, Unreachable
from deployer.plan.operations import AwaitConsul, RegisterNode, RunContainer

if TYPE_CHECKING:
    from collections.abc import Sequence

    from deployer.model.desired import Desired
    from deployer.plan.draft import Draft

CONSUL: Final = ("consul", "")
CONSUL_TIMEOUT: Final = 60.0
"""Seconds that Consul's servers may take to elect a leader; they take 2 to 10 in practice."""


def catalogue_steps(draft: Draft, diff: Diff, desired: Desired, observed: Observed) -> None:
    """Consul's servers, then its agents and the registrations.

    Servers that are missing or stopped start side by side. Those that run and are to become others go one after the
    other, each when all are healthy again, so that the leader never loses its majority; where there is no leader there is
    none to lose.
    """
    usable = list(server_addresses(desired.cluster, observed))
    containers = [change for change in diff.changes if isinstance(change, ContainerDiffers)]
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
    registrations = [change for change in diff.changes if isinstance(change, NotRegistered)]
    agents = [change for change in containers if change.role == "agent"]
    if not usable:
        return
    via = usable[0]
    restarts = draft.numbers(*(("engine", node.name) for node in servers(desired.cluster)))
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
