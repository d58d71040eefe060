"""An image that is built from a stack's own files: what it is made of, and the name that says so."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from deployer.model.reference import registry

LOCAL: Final = "localhost"
"""The registry of images that no registry has: a machine that looks there asks itself, and never somebody else's registry."""


@dataclass(frozen=True)
class Build:
    """`image` has a hash of everything below in its tag. Paths are relative to the stack's folder."""

    image: str
    stack: str
    service: str
    """Its full name."""
    context: str
    files: tuple[str, ...]
    """What of the context is sent: without what `.dockerignore` names, and without the compose file."""
    dockerfile: str
    """Its path; empty where `inline` is it."""
    inline: str = ""
    args: tuple[tuple[str, str], ...] = ()
    target: str = ""
    labels: tuple[tuple[str, str], ...] = ()
    platform: str = ""

    @property
    def pushed(self) -> bool:
        """Whether it goes to a registry, and the machines get it from there."""
        return registry(self.image) != LOCAL


@dataclass(frozen=True)
class BuildFile:
    """One file of a build's context; `path` is relative to the context."""

    path: str
    data: bytes
    executable: bool


@dataclass(frozen=True)
class BuiltImage:
    """Where such an image is already: on these machines, or in its registry."""

    machines: frozenset[str] = frozenset()
    pushed: bool = False
