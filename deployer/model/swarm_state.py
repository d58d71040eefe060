"""How a swarm is, for people."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Peer:
    """One member."""

    name: str
    role: str
    state: str
    """ready, down, ...; of managers with leader, reachable or unreachable behind a comma."""
    availability: str
    address: str
    clock_ahead: float | None = None
    """Seconds by which its clock is ahead of this machine's; null where it did not answer."""


@dataclass(frozen=True)
class SwarmState:
    via: str
    """The manager that was asked."""
    created: str
    """ISO 8601, UTC."""
    autolock: bool
    root_expires: str
    """ISO 8601, UTC: of the root certificate."""
    certificates_days: int
    """For how long members' certificates are valid; the members renew them by themselves."""
    peers: tuple[Peer, ...]
