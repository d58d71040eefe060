"""The catalogue in, a table and a sum out; the same as JSON."""

from __future__ import annotations

from collections import Counter
from dataclasses import asdict
from typing import TYPE_CHECKING, Any, Final

from deployer.model.amounts import plural
from deployer.report.documents import head
from deployer.report.table import table

if TYPE_CHECKING:
    from deployer.model.services import Instance, Services
    from deployer.report.paint import Paint, Tone

COLUMNS: Final = ("SERVICE", "INSTANCES", "ADDRESS:PORT", "NODE", "HEALTH", "TAGS")
TONES: Final[dict[str, Tone]] = {"passing": "green", "warning": "yellow", "critical": "red"}


def services_text(services: Services, paint: Paint, width: int | None = None) -> str:
    """A row an instance, and one sentence. `width` is the terminal's, None where nothing may be cut."""

    def finish(column: int, cell: str, padded: str) -> str:
        tone = TONES.get(cell) if COLUMNS[column] == "HEALTH" else None
        return paint(padded, tone) if tone else padded

    instances = services.instances
    every = Counter(instance.service for instance in instances)
    passing = Counter(instance.service for instance in instances if instance.health == "passing")
    rows = [
        (one.service, f"{passing[one.service]}/{every[one.service]}", _place(one), one.machine, one.health, _tags(one))
        for one in instances
    ]
    parts = [table(COLUMNS, rows, width=width, shrink=("TAGS",), finish=finish)] if rows else []
    parts.append([summary(services)])
    return "\n\n".join("\n".join(part) for part in parts) + "\n"


def summary(services: Services) -> str:
    """`sandbox: 3 services, 7 instances, all passing`"""
    instances = services.instances
    names = {instance.service for instance in instances}
    counted = f"{services.cluster}: {plural(len(names), 'service')}, {plural(len(instances), 'instance')}"
    unwell = sum(instance.health != "passing" for instance in instances)
    return f"{counted}, {f'{unwell} of them not passing' if unwell else 'all passing'}" if instances else counted


def services_document(services: Services) -> dict[str, Any]:
    """Field names as in the values themselves: deployer.model.services."""
    return {
        **head("services"),
        "cluster": services.cluster,
        "instances": [{**asdict(instance), "health": instance.health} for instance in services.instances],
    }


def _place(instance: Instance) -> str:
    """`10.0.0.1:80`; an IPv6 address in brackets; no port where there is none."""
    address = f"[{instance.address}]" if ":" in instance.address else instance.address
    return f"{address}:{instance.port}" if instance.port else address


def _tags(instance: Instance) -> str:
    return ",".join(instance.tags)
