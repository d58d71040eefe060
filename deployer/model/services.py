"""What Consul's catalogue says runs, as people know it: services and their instances."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

CheckStatus = Literal["passing", "warning", "critical"]


@dataclass(frozen=True)
class Check:
    """One check of an instance, or of the machine that it is registered on."""

    name: str
    status: CheckStatus
    output: str = ""
    """What the check said last, cut to 300 characters."""


@dataclass(frozen=True)
class Instance:
    """One registration of a service."""

    service: str
    id: str
    address: str
    port: int
    """0 where it has none."""
    machine: str
    """Whose address it has; the one that it is registered on, where the address is no machine's own."""
    node: str
    """The machine that it is registered on in Consul."""
    tags: tuple[str, ...] = ()
    checks: tuple[Check, ...] = ()

    @property
    def health(self) -> CheckStatus:
        """The worst of its checks, as Consul has it: passing where there are none."""
        found = {check.status for check in self.checks}
        return "critical" if "critical" in found else "warning" if "warning" in found else "passing"


@dataclass(frozen=True)
class Services:
    """The catalogue of a cluster, or of some services of it."""

    cluster: str
    instances: tuple[Instance, ...]
    """Sorted by service, machine, address, port."""
