"""What `deployer status` prints: machines, stacks and virtual hosts, each with two words on how it is."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Final, Literal

from deployer.model.amounts import plural
from deployer.model.commit import short
from deployer.model.counts import Count
from deployer.model.printable import printable
from deployer.model.status import Health, NodeStatus, Sync, VirtualHost, worst
from deployer.plan.field_text import field_text
from deployer.report.document import Document, Part
from deployer.report.masked import FieldDocument, field_documents
from deployer.report.table import paragraphs, table

if TYPE_CHECKING:
    from collections.abc import Iterator

    from deployer.model.status import RegistratorStatus, StackStatus, Status
    from deployer.report.paint import Paint, Tone
    from deployer.report.table import Tones

REGISTRATOR: Final = "REGISTERED"
MACHINES: Final = ("NAME", "ADDRESS", "ADVERTISE", "ROLE", "ENGINE", "CONSUL", REGISTRATOR, "SYNC", "HEALTH", "NOTE")
REGISTRATOR_AT: Final = MACHINES.index(REGISTRATOR)
STACKS: Final = ("STACK", "SERVICE", "REPLICAS", "IMAGE", "SYNC", "HEALTH", "NOTE")

HOSTS: Final = ("VIRTUAL HOST", "SERVICE", "REACHED", "NOTE")

TONES: Final[dict[str, Tone]] = {
    "Synced": "green",
    "OutOfSync": "yellow",
    "Healthy": "green",
    "Progressing": "cyan",
    "Degraded": "red",
    "Suspended": "dim",
    "Missing": "red",
    "Unknown": "yellow",
}
WORDS: Final[Tones] = {"SYNC": TONES.get, "HEALTH": TONES.get}


class ServiceDocument(Part, frozen=True):
    name: str
    image: str
    running: Count
    wanted: Count
    sync: Sync
    health: Health
    note: str
    drift: tuple[FieldDocument, ...]
    """What somebody changed by hand."""


class StackDocument(Part, frozen=True):
    name: str
    services: tuple[ServiceDocument, ...]
    sync: Sync
    health: Health
    note: str


class StatusDocument(Document, frozen=True, kw_only=True):
    type: Literal["status"] = "status"
    well: bool
    """Everything is as git says, and healthy."""
    cluster: str
    commit: str
    nodes: tuple[NodeStatus, ...]
    stacks: tuple[StackDocument, ...]
    virtual_hosts: tuple[VirtualHost, ...]
    """Empty where the cluster has no proxy."""


def status_document(status: Status) -> StatusDocument:
    return StatusDocument(
        well=status.well,
        cluster=status.cluster,
        commit=status.commit,
        nodes=status.nodes,
        stacks=tuple(map(_stack_document, status.stacks)),
        virtual_hosts=status.virtual_hosts,
    )


def _stack_document(stack: StackStatus) -> StackDocument:
    services = (ServiceDocument(**vars(one) | {"drift": field_documents(one.drift)}) for one in stack.services)
    return StackDocument(stack.name, tuple(services), stack.sync, stack.health, stack.note)


def status_text(status: Status, paint: Paint, width: int | None = None, *, drift: bool = False) -> str:
    """Machines, stacks, and one sentence; with `drift` every field that somebody changed by hand.

    `width` is the terminal's, None where nothing may be cut.
    """
    machines = [_machine(node) for node in status.nodes]
    stacks = [row for stack in status.stacks for row in _stack(stack)]
    head: tuple[str, ...] = MACHINES
    if all(node.registrator is None for node in status.nodes):
        head = tuple(name for name in head if name != REGISTRATOR)
        machines = [(*row[:REGISTRATOR_AT], *row[REGISTRATOR_AT + 1 :]) for row in machines]
    parts = [
        table(head, machines, width=width, shrink=("NOTE",), paint=paint, tones=WORDS) if machines else [],
        table(STACKS, stacks, width=width, shrink=("NOTE", "IMAGE"), paint=paint, tones=WORDS) if stacks else [],
        table(HOSTS, [_host(host) for host in status.virtual_hosts], width=width, shrink=("NOTE",))
        if status.virtual_hosts
        else [],
        _drift(status) if drift else [],
        [summary(status)],
    ]
    return paragraphs(parts)


def _host(host: VirtualHost) -> tuple[str, ...]:
    return printable(host.host), printable(host.service), "no" if host.note else "yes", printable(host.note)


def _drift(status: Status) -> list[str]:
    """`swarmtest_redis drifted:`, and a line a field: what lives -> what git says."""
    lines = []
    for service in (service for stack in status.stacks for service in stack.services if service.drift):
        lines.append(f"{printable(service.name)} drifted:")
        lines += [f"    {field_text(field)}" for field in service.drift]
    return lines or ["nothing drifted"]


def summary(status: Status) -> str:
    """`sandbox at 1a2b3c4d5e: 4 machines and 2 stacks, all as git says`"""
    place = f"{status.cluster} at {short(status.commit)}"
    counted = f"{plural(len(status.nodes), 'machine')} and {plural(len(status.stacks), 'stack')}"
    if status.well:
        return f"{place}: {counted}, all as git says"
    alone = replace(status, nodes=(), stacks=(), virtual_hosts=())
    unwell = sum(not replace(alone, nodes=(node,)).well for node in status.nodes)
    unwell += sum(not replace(alone, stacks=(stack,)).well for stack in status.stacks)
    unreached = sum(bool(host.note) for host in status.virtual_hosts)
    hosts = f"; {plural(unreached, 'virtual host')} not reached" if unreached else ""
    return f"{place}: {counted}, {f'{unwell} of them not' if unwell else 'all'} as git says{hosts}"


def _machine(node: NodeStatus) -> tuple[str, ...]:
    catalogue = {True: "yes", False: "no", None: ""}[node.catalogue]
    place = (node.name, node.address, node.advertise, node.role, node.engine, catalogue)
    return *place, _registered(node.registrator), node.sync, node.health, node.note


def _registered(registrator: RegistratorStatus | None) -> str:
    """`3/4`: so many instances are in Consul of those that are to be there; `3/3, 1 stale`; `no` where it does not run."""
    if registrator is None:
        return ""
    if not registrator.running:
        return "no"
    if registrator.instances is None:
        return "unknown"
    stale = f", {len(registrator.stale)} stale" if registrator.stale else ""
    return f"{registrator.instances}/{registrator.instances + len(registrator.missing)}{stale}"


def _stack(stack: StackStatus) -> Iterator[tuple[str, ...]]:
    """A line a service; one for the stack itself before them where they do not say it all."""
    syncs = {service.sync for service in stack.services}
    said = stack.services and stack.health == worst(service.health for service in stack.services)
    if stack.note or not said or stack.sync not in syncs:
        yield stack.name, "", "", "", stack.sync, stack.health, stack.note
    for service in stack.services:
        counts = "" if service.sync == "Unknown" else f"{service.running}/{service.wanted}"
        yield stack.name, service.name, counts, service.image, service.sync, service.health, service.note
