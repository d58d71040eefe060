"""A service and the machines that it may run on."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from deployer.model.stack import Body


@dataclass(frozen=True)
class Placed:
    """`name` is the service's in its file, `machines` those that nothing in git rules out."""

    stack: str
    name: str
    body: Body
    machines: frozenset[str]

    @property
    def full(self) -> str:
        return f"{self.stack}_{self.name}"

    @property
    def replicas(self) -> int | None:
        """How many tasks at a time; None: one on each machine."""
        mode = self.body.get("Mode") or {}
        if "Global" in mode or "GlobalJob" in mode:
            return None
        job = mode.get("ReplicatedJob")
        count = (job or {}).get("MaxConcurrent") if job else (mode.get("Replicated") or {}).get("Replicas")
        return 1 if count is None else int(count)

    @property
    def published(self) -> tuple[tuple[int, str, str], ...]:
        """(port, protocol, mode) of each port with a number of its own."""
        return published(self.body)


def published(body: Body) -> tuple[tuple[int, str, str], ...]:
    """The same of a service's body, or of a live service's definition."""
    ports = (body.get("EndpointSpec") or {}).get("Ports") or ()
    return tuple(
        (int(port["PublishedPort"]), str(port.get("Protocol", "tcp")), str(port.get("PublishMode", "ingress")))
        for port in ports
        if port.get("PublishedPort")
    )
