"""Status: two words for every machine and stack, in the vocabulary of Argo CD."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Final, Literal

from msgspec import Meta

from deployer.model.cluster import Role  # noqa: TC001 - the status document's schema resolves it

if TYPE_CHECKING:
    from collections.abc import Iterable

    from deployer.model.field import Field

Sync = Literal["Synced", "OutOfSync", "Unknown"]
Instances = Annotated[int, Meta(ge=0)]
Health = Literal["Healthy", "Progressing", "Degraded", "Suspended", "Missing", "Unknown"]
WORST_FIRST: Final[tuple[Health, ...]] = ("Unknown", "Missing", "Degraded", "Progressing", "Suspended", "Healthy")


def worst(healths: Iterable[Health]) -> Health:
    """The health of the whole: its worst part's; Healthy where there is no part."""
    present = set(healths)
    return next((health for health in WORST_FIRST if health in present), "Healthy")


@dataclass(frozen=True)
class RegistratorStatus:
    """Whether a machine's containers are being registered, and how far that is behind."""

    running: bool
    instances: Instances | None = None
    """Of its containers, in Consul; null where Consul could not be asked."""
    missing: tuple[str, ...] = ()
    """Containers that are to be in Consul and are not."""
    stale: tuple[str, ...] = ()
    """Registrations whose container does not run."""

    @property
    def behind(self) -> int:
        return len(self.missing) + len(self.stale)


@dataclass(frozen=True)
class NodeStatus:
    name: str
    address: str
    advertise: str
    role: Role
    engine: str
    """The engine's version; empty where there is none."""
    catalogue: bool | None
    """Whether Consul knows the machine; null where the cluster has no Consul, or nobody could be asked."""
    sync: Sync
    health: Health
    note: str = ""
    registrator: RegistratorStatus | None = None
    """Whether its containers are being registered; null without a registrator, or where the machine could not be asked."""


@dataclass(frozen=True)
class ServiceStatus:
    name: str
    image: str
    running: int
    wanted: int
    sync: Sync
    health: Health
    note: str = ""
    drift: tuple[Field, ...] = ()
    """What somebody changed by hand."""


@dataclass(frozen=True)
class StackStatus:
    name: str
    services: tuple[ServiceStatus, ...]
    sync: Sync
    health: Health
    note: str = ""


@dataclass(frozen=True)
class VirtualHost:
    """A name under which a service is to be reached through the proxy."""

    host: str
    service: str
    note: str = ""
    """Why the proxy cannot reach it; empty where it can."""


@dataclass(frozen=True)
class Status:
    cluster: str
    commit: str
    nodes: tuple[NodeStatus, ...]
    stacks: tuple[StackStatus, ...]
    virtual_hosts: tuple[VirtualHost, ...] = ()
    """None where the cluster has no proxy."""

    @property
    def well(self) -> bool:
        """Everything is as git says, and healthy."""
        words = [(node.sync, node.health) for node in self.nodes] + [
            (stack.sync, stack.health) for stack in self.stacks
        ]
        reached = not any(host.note for host in self.virtual_hosts)
        return reached and all(sync == "Synced" and health in {"Healthy", "Suspended"} for sync, health in words)
