"""A stack in compose mode: one `docker compose` project on one machine, with no Swarm."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Mapping

    from deployer.model.secret import Secret

PROJECT: Final = "com.docker.compose.project"
SERVICE: Final = "com.docker.compose.service"
"""Labels that compose puts on its containers (docker/compose, pkg/api/labels.go)."""


@dataclass(frozen=True)
class ProjectService:
    """One service: how many containers it is to have, and the hash of what they are made from."""

    name: str
    count: int
    image: str
    hash: str
    """Of the service's definition and of the configs and secrets it is given: what a container's `deployer.hash` says.
    Compose's own config hash leaves the contents out, and costs a process to know."""


@dataclass(frozen=True)
class Project:
    """What `docker compose up` is given: one file in JSON, whole, and the secrets that it takes from the environment."""

    stack: str
    node: str
    file: str
    services: tuple[ProjectService, ...]
    """Sorted by name."""
    environment: Mapping[str, Secret]


@dataclass(frozen=True)
class ProjectContainer:
    """A container of a project, as an engine lists it."""

    project: str
    service: str
    name: str
    hash: str
    image: str
    state: str
    healthy: bool
    """It runs, and its health check, where it has one, passes; or it was to end, and ended well."""
