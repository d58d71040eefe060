"""What can be done with stacks in compose mode."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from deployer.model.subject import OfStack

if TYPE_CHECKING:
    from deployer.model.project import Project


@dataclass(frozen=True)
class ComposeUp(OfStack):
    """`docker compose up` on a machine, and the wait for its containers; `first`: nothing of it is there."""

    stack: str
    machine: str
    project: Project
    timeout: float
    first: bool


@dataclass(frozen=True)
class ComposeDown(OfStack):
    """Remove a project's containers and networks from a machine, as far as they are `cluster`'s; volumes stay."""

    stack: str
    machine: str
    cluster: str
