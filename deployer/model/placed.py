"""A service and the machines that it may run on."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from deployer.model.spec import ServiceSpec

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
        return ServiceSpec(self.body).count

    @property
    def published(self) -> tuple[tuple[int, str, str], ...]:
        """(port, protocol, mode) of each port with a number of its own."""
        return ServiceSpec(self.body).published
