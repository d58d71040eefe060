"""What the commands on machines print as JSON; the values are made where the machines are asked."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from msgspec import field

from deployer.model.cluster import Role
from deployer.model.swarm_state import Peer
from deployer.report.document import Document, OpenDocument, OpenPart

if TYPE_CHECKING:
    from deployer.model.swarm_state import SwarmState


class AddedMachine(OpenPart, frozen=True):
    name: str
    address: str
    file: str
    """Relative to the repository's root."""
    fingerprint: str | None
    """Of the host key; null for this machine."""
    role: Role
    found: tuple[str, ...]


class AddedDocument(OpenDocument, frozen=True, kw_only=True):
    type: Literal["added"] = "added"
    commit: str | None
    """Of the files, with --commit."""
    notes: tuple[str, ...]
    """What was not taken over, a line each."""
    machines: tuple[AddedMachine, ...]


class ContextDocument(OpenPart, frozen=True):
    name: str
    """As `docker --context` takes it."""
    endpoint: str
    """As DOCKER_HOST takes it."""
    state: Literal["created", "updated", "unchanged", "foreign", "left over", "removed"]
    """foreign: one of that name is not deployer's; left over: git has no machine for it."""


class ContextsDocument(OpenDocument, frozen=True, kw_only=True):
    type: Literal["contexts"] = "contexts"
    cluster: str
    contexts: tuple[ContextDocument, ...]


class MachineDocument(OpenPart, frozen=True, kw_only=True):
    name: str
    active: bool
    """Whether DOCKER_HOST means it."""
    driver: Literal["generic", "local"]
    """local: the machine that deployer runs on."""
    state: Literal["Running", "Stopped", "Timeout", "Error"]
    """Stopped: nothing listens there; Error: it answers, and does not let us in."""
    url: str
    """As DOCKER_HOST takes it."""
    address: str
    role: Role
    """What git says."""
    swarm: str
    """A manager's name, with `(master)` on managers; empty in no swarm."""
    docker: str | None
    """The engine's version; null where it could not be asked."""
    error: str | None
    help: str | None
    seconds: float
    """How long it took."""
    clock_ahead: float | None
    """Seconds by which its clock is ahead of this machine's; null where its engine does not answer."""
    expires: str | None
    """The day on which its engine's certificate ends (YYYY-MM-DD, UTC); null without engine.tls."""


class MachinesDocument(OpenDocument, frozen=True, kw_only=True):
    type: Literal["machines"] = "machines"
    cluster: str
    machines: tuple[MachineDocument, ...]


class WayDocument(OpenPart, frozen=True):
    origin: str = field(name="from")
    to: str
    address: str
    """Of the machine that is to be reached."""
    port: int
    protocol: Literal["tcp", "udp"]
    state: Literal["open", "closed", "unknown"]
    reason: str | None


class UnaskedMachine(OpenPart, frozen=True):
    name: str
    reason: str


class PortsDocument(OpenDocument, frozen=True, kw_only=True):
    type: Literal["ports"] = "ports"
    cluster: str
    ways: tuple[WayDocument, ...]
    unasked: tuple[UnaskedMachine, ...]


class SwarmDocument(Document, frozen=True, kw_only=True):
    type: Literal["swarm"] = "swarm"
    via: str
    """The manager that was asked."""
    created: str
    """ISO 8601, UTC."""
    autolock: bool
    root_expires: str
    """ISO 8601, UTC: of the root certificate."""
    certificates_days: int
    """For how long members' certificates are valid; members renew them by themselves."""
    peers: tuple[Peer, ...]


def swarm_document(state: SwarmState) -> SwarmDocument:
    return SwarmDocument(**vars(state))
