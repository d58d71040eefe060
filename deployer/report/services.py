"""What `deployer services` prints: the instances in Consul's catalogue, as text and as JSON."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Annotated, Final, Literal

from msgspec import Meta

from deployer.model.amounts import plural
from deployer.model.services import Check, CheckStatus
from deployer.report.document import Document, Part
from deployer.report.table import paragraphs, table

if TYPE_CHECKING:
    from deployer.model.services import Instance, Services
    from deployer.report.paint import Paint, Tone

COLUMNS: Final = ("SERVICE", "INSTANCES", "ADDRESS:PORT", "NODE", "HEALTH", "TAGS")
TONES: Final[dict[str, Tone]] = {"passing": "green", "warning": "yellow", "critical": "red"}


class InstanceDocument(Part, frozen=True):
    service: str
    id: str
    """Of the registration; unique on its node."""
    address: str
    port: Annotated[int, Meta(ge=0, le=65535)]
    """0 where it has none."""
    machine: str
    """Whose address it has; the node, where the address is no machine's own."""
    node: str
    """The machine that it is registered on in Consul."""
    tags: tuple[str, ...]
    checks: tuple[Check, ...]
    """Its own, and those of its node."""
    health: CheckStatus
    """The worst of its checks; passing where there are none."""


class ServicesDocument(Document, frozen=True, kw_only=True):
    type: Literal["services"] = "services"
    cluster: str
    instances: tuple[InstanceDocument, ...]


def services_text(services: Services, paint: Paint, width: int | None = None) -> str:
    """A row an instance, and one sentence. `width` is the terminal's, None where nothing may be cut."""
    instances = services.instances
    every = Counter(instance.service for instance in instances)
    passing = Counter(instance.service for instance in instances if instance.health == "passing")
    rows = [
        (one.service, f"{passing[one.service]}/{every[one.service]}", _place(one), one.machine, one.health, _tags(one))
        for one in instances
    ]
    lines = table(COLUMNS, rows, width=width, shrink=("TAGS",), paint=paint, tones={"HEALTH": TONES.get})
    return paragraphs([lines if rows else [], [summary(services)]])


def summary(services: Services) -> str:
    """`sandbox: 3 services, 7 instances, all passing`"""
    instances = services.instances
    names = {instance.service for instance in instances}
    counted = f"{services.cluster}: {plural(len(names), 'service')}, {plural(len(instances), 'instance')}"
    unwell = sum(instance.health != "passing" for instance in instances)
    return f"{counted}, {f'{unwell} of them not passing' if unwell else 'all passing'}" if instances else counted


def services_document(services: Services) -> ServicesDocument:
    instances = (InstanceDocument(**vars(one), health=one.health) for one in services.instances)
    return ServicesDocument(cluster=services.cluster, instances=tuple(instances))


def _place(instance: Instance) -> str:
    """`10.0.0.1:80`; an IPv6 address in brackets; no port where there is none."""
    address = f"[{instance.address}]" if ":" in instance.address else instance.address
    return f"{address}:{instance.port}" if instance.port else address


def _tags(instance: Instance) -> str:
    return ",".join(instance.tags)
