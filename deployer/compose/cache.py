"""Compiled stacks by content, in files of the user's own: what was compiled once is not compiled again.

An entry's name is a hash of everything that the result depends on; nothing in it is ever changed. Secrets are left out
of it: their place in the entry names the file of the stack that they are read from again. Stacks with a secret from
elsewhere are not kept at all.
"""

from __future__ import annotations

import base64
import hashlib
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, Literal

import msgspec

from deployer.document.shelf import Shelf, open_shelf
from deployer.model.build import Build
from deployer.model.problem import Problem
from deployer.model.project import Project, ProjectService
from deployer.model.secret import Secret
from deployer.model.stack import Dependency, SealedContent, SealedValue, StackObjects

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from deployer.compose.outcome import Outcome
    from deployer.model.stack import StackSource

FORMAT: Final = 6
"""Raise it with every change of what an entry is, or of what the dialect makes of a file: older entries are not read."""

NO_NAMES: Final[Mapping[str, tuple[str, ...]]] = {}


class _Project(msgspec.Struct, frozen=True):
    """Without what it takes from the environment: with that it is not kept."""

    node: str
    file: str
    services: tuple[ProjectService, ...]


class _Entry(msgspec.Struct, frozen=True):
    networks: tuple[dict[str, Any], ...]
    configs: tuple[dict[str, Any], ...]
    secrets: tuple[dict[str, Any], ...]
    services: tuple[dict[str, Any], ...]
    external: tuple[tuple[Literal["network", "config", "secret", "volume"], str], ...]
    order: tuple[Dependency, ...]
    warnings: tuple[Problem, ...]
    secret_files: dict[str, str]
    """The full name of each secret with content -> the file of the stack that it is."""
    sealed_contents: tuple[SealedContent, ...] = ()
    sealed_values: tuple[SealedValue, ...] = ()
    builds: tuple[Build, ...] = ()
    project: _Project | None = None


_ENCODER: Final = msgspec.json.Encoder()
_DECODER: Final = msgspec.json.Decoder(_Entry)


@dataclass(frozen=True)
class Cache:
    """Entries for one identity of the tools."""

    shelf: Shelf
    identity: str
    """Of everything but the stack that the result depends on: tools and dialect."""

    def load(
        self, stack: StackSource, names: Mapping[str, tuple[str, ...]] = NO_NAMES
    ) -> tuple[StackObjects, tuple[Problem, ...]] | None:
        """The objects and warnings of this very content; None where there is no entry or it cannot be read."""
        kept = self.shelf.get(self._key(stack, names))
        if kept is None:
            return None
        try:
            entry = _DECODER.decode(kept)
            files = dict(stack.files) if entry.secrets else {}
            secrets = tuple(_revealed(body, entry.secret_files, files) for body in entry.secrets)
        except (msgspec.MsgspecError, KeyError, TypeError, ValueError):
            return None
        objects = StackObjects(
            stack.name,
            entry.networks,
            entry.configs,
            secrets,
            entry.services,
            entry.external,
            entry.order,
            entry.sealed_contents,
            entry.sealed_values,
            entry.builds,
            _project(stack, entry.project),
        )
        return objects, entry.warnings

    def store(self, stack: StackSource, outcome: Outcome, names: Mapping[str, tuple[str, ...]] = NO_NAMES) -> None:
        """Keeps the outcome of a stack without errors, in one step; without its secrets."""
        objects = outcome.objects
        if not self.shelf.trusted or objects is None or any(file is None for _, file in outcome.secret_files):
            return
        entry = _Entry(
            networks=tuple(map(dict, objects.networks)),
            configs=tuple(map(dict, objects.configs)),
            secrets=tuple({key: one for key, one in body.items() if key != "Data"} for body in objects.secrets),
            services=tuple(map(dict, objects.services)),
            external=objects.external,
            order=objects.order,
            warnings=outcome.problems,
            secret_files={name: file for name, file in outcome.secret_files if file is not None},
            sealed_contents=objects.sealed_contents,
            sealed_values=objects.sealed_values,
            builds=objects.builds,
            project=_Project(made.node, made.file, made.services) if (made := objects.project) else None,
        )
        self.shelf.put(self._key(stack, names), _ENCODER.encode(entry))

    def recall(self, *parts: bytes) -> str | None:
        """The text that was kept for these parts. Of encrypted files: what is kept is a name that the swarm shows, no content."""
        kept = self.shelf.get(_digest(parts))
        try:
            return None if kept is None else kept.decode()
        except UnicodeDecodeError:
            return None

    def remember(self, text: str, *parts: bytes) -> None:
        self.shelf.put(_digest(parts), text.encode())

    def _key(self, stack: StackSource, names: Mapping[str, tuple[str, ...]]) -> str:
        digest = hashlib.sha256()
        settings = (stack.settings.mode, stack.settings.node or "")
        for part in (self.identity, stack.name, stack.path, stack.root, stack.entry, *settings):
            digest.update(f"{len(part)} {part}".encode())
        for path, data in stack.files:
            digest.update(f"{len(path)} {path} {len(data)} ".encode())
            digest.update(data)
        digest.update(" ".join(stack.executable).encode())
        for path, variables in sorted(names.items()):
            digest.update(f"{len(path)} {path} {' '.join(variables)}".encode())
        return digest.hexdigest()


def _digest(parts: tuple[bytes, ...]) -> str:
    digest = hashlib.sha256(b"name")
    for part in parts:
        digest.update(b"%d " % len(part) + part)
    return digest.hexdigest()


def open_cache(folder: Path | None, identity: str) -> Cache:
    """The cache in `folder`, by default $XDG_CACHE_HOME/deployer/compose."""
    return Cache(open_shelf("compose", folder), f"{FORMAT}\n{identity}")


def _revealed(body: dict[str, Any], origins: dict[str, str], files: dict[str, bytes]) -> dict[str, Any]:
    """With its data, where it has any: one of a driver has none."""
    origin = origins.get(body["Name"])
    if origin is None:
        return body
    return {**body, "Data": Secret(base64.b64encode(files[origin]).decode())}


def _project(stack: StackSource, kept: _Project | None) -> Project | None:
    return Project(stack.name, kept.node, kept.file, kept.services, {}) if kept else None
