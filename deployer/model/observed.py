"""Observed: what machines, engines, swarm and Consul say, one snapshot. What could not be read is a value, never an absence."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

from deployer.model.spec import ServiceSpec

if TYPE_CHECKING:
    from collections.abc import Mapping

    from deployer.model.project import ProjectContainer


@dataclass(frozen=True)
class Unreachable:
    """A machine that could not be asked. `reason` is one line; `help` what to do, where that is known."""

    reason: str
    help: str = ""


@dataclass(frozen=True)
class OperatingSystem:
    """From /etc/os-release (os-release(5)): `id` such as `debian`, `like` the ids it descends from."""

    id: str
    version: str
    codename: str
    name: str
    like: tuple[str, ...] = ()


@dataclass(frozen=True)
class Membership:
    """What an engine says of its own place in a swarm (`/info`, section Swarm)."""

    state: str
    """inactive, pending, active, error or locked."""
    node_id: str = ""
    address: str = ""
    manager: bool = False
    cluster_id: str = ""
    """Only managers know it."""


@dataclass(frozen=True)
class Container:
    """A container that carries this cluster's labels (the machine's own: Consul, later the registrator)."""

    id: str
    name: str
    state: str
    labels: Mapping[str, str]
    image: str = ""
    """The reference that it was made from; an id where that means another image by now."""


@dataclass(frozen=True)
class Engine:
    """A Docker engine that answers."""

    version: str
    membership: Membership
    containers: tuple[Container, ...] = ()
    images: tuple[str, ...] = ()
    """Those of the registrator that were built there."""
    projects: tuple[ProjectContainer, ...] = ()
    """The containers of this cluster's stacks in compose mode."""


@dataclass(frozen=True)
class Silent:
    """An engine that is installed and does not answer."""

    reason: str


@dataclass(frozen=True)
class TlsListener:
    """What our drop-in for systemd says, and the certificate beside it."""

    command: str
    """How systemd starts the engine."""
    stock: str
    """How it would without us."""
    names: tuple[str, ...] = ()
    """Those that the certificate is valid for; empty where it cannot be read."""
    authorities: tuple[str, ...] = ()
    """Fingerprints of those whose clients are let in."""
    left: float = 0.0
    """Seconds until the certificate ends."""


@dataclass(frozen=True)
class Machine:
    """One reachable machine's facts. `engine` is None where none is installed."""

    os: OperatingSystem
    architecture: str
    privileged: bool
    """The user is root, or may become root by sudo without a password."""
    interfaces: tuple[tuple[str, str], ...]
    """(interface, address) pairs, in the machine's order."""
    default_interface: str
    """The one with the default route; empty where there is none."""
    daemon_json: str | None
    """The text of /etc/docker/daemon.json; None where there is no such file."""
    engine: Engine | Silent | None
    tls: TlsListener | None = None
    """How its engine listens for TLS, by our own doing; None where it does not."""
    small_mtus: tuple[tuple[str, int], ...] = ()
    """(interface, bytes) of those among the interfaces that carry packets of less than 1500 bytes."""
    clock_ahead: float = 0.0
    """By how many seconds its clock is ahead of this machine's; as exact as the answer was quick."""


@dataclass(frozen=True, order=True)
class PortHeld:
    """A port of a machine that something listens at which is no service of the swarm; `holder` names it."""

    port: int
    protocol: str
    holder: str


@dataclass(frozen=True)
class Member:
    """One node of the swarm as the managers know it (`GET /nodes`)."""

    id: str
    version: int
    hostname: str
    role: str
    availability: str
    labels: Mapping[str, str]
    state: str
    address: str
    leader: bool = False


@dataclass(frozen=True)
class LiveService:
    """One service of the swarm (`GET /services?status=true`). `running` counts tasks that run (and are healthy, where they have a check)."""

    id: str
    version: int
    spec: Mapping[str, Any]
    running: int
    wanted: int
    update_state: str = ""
    """UpdateStatus.State: updating, paused, completed, rollback_started, rollback_paused, rollback_completed or empty."""
    completed: int = 0
    failed: int = 0
    """Of what runs once: how many of its places were last seen to end well, and to fail."""

    @property
    def name(self) -> str:
        return str(self.spec["Name"])

    @property
    def labels(self) -> Mapping[str, str]:
        return ServiceSpec(self.spec).service_labels

    @property
    def finite(self) -> bool:
        """`ServiceSpec.finite` of its spec."""
        return ServiceSpec(self.spec).finite


@dataclass(frozen=True)
class LiveObject:
    """A network, config or secret of the swarm: its id, name, labels, and its body as listed (never a secret's data)."""

    kind: Literal["network", "config", "secret"]
    id: str
    name: str
    labels: Mapping[str, str]
    body: Mapping[str, Any]
    created: str = ""
    """When, in UTC with all nine digits of a second: later ones sort behind."""


@dataclass(frozen=True)
class Swarm:
    """What one manager says of the swarm; `via` is that machine's name."""

    via: str
    cluster_id: str
    members: tuple[Member, ...]
    services: tuple[LiveService, ...]
    objects: tuple[LiveObject, ...]


@dataclass(frozen=True)
class CatalogueNode:
    """A machine in Consul's catalogue (`/v1/catalog/nodes`)."""

    name: str
    address: str
    meta: Mapping[str, str]


@dataclass(frozen=True)
class ImageFound:
    """What an image's tag stands for now; `digest` is empty where no registry has it and every machine holds the same one."""

    digest: str
    local: str = ""
    """Why it is what the machines hold, and not what a registry says; empty where one said it."""


@dataclass(frozen=True)
class ImageUnknown:
    """What an image's tag stands for could not be told: the registry's own words."""

    reason: str
    help: str = ""


@dataclass(frozen=True)
class Registrations:
    """What of one machine's containers is in Consul, against what is to be there."""

    instances: int
    """Registrations whose container runs."""
    missing: tuple[str, ...] = ()
    """Names of containers that run, are to be registered, and are not."""
    stale: tuple[str, ...] = ()
    """Ids of registrations whose container does not run (any more)."""


@dataclass(frozen=True)
class Observed:
    """The whole cluster, as far as it could be seen.

    `swarm` is None where no reachable machine is a manager of one. `catalogue` is None where Consul does not run (yet),
    and Unreachable where it could not be asked.
    """

    machines: Mapping[str, Machine | Unreachable]
    swarm: Swarm | None
    catalogue: tuple[CatalogueNode, ...] | Unreachable | None
    elapsed: float = 0.0
    """Seconds that the snapshot took."""

    @property
    def members(self) -> tuple[Member, ...]:
        """The swarm's members; none where there is no swarm to be seen."""
        return self.swarm.members if self.swarm else ()

    @property
    def services(self) -> tuple[LiveService, ...]:
        """The swarm's services; none where there is no swarm to be seen."""
        return self.swarm.services if self.swarm else ()
