"""Stacks: the compose files of one commit, the settings they carry, and the engine objects they become."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, Any, Final, Literal

from msgspec import Meta, Struct

from deployer.model.allowed import EVERYTHING, Allowed
from deployer.model.build import Build
from deployer.model.cluster import Images
from deployer.model.patterns import NAME_PATTERN
from deployer.model.project import Project

STACK_PATTERN: Final = r"^[a-z0-9]([a-z0-9_-]{0,61}[a-z0-9])?$(?!\n)"
WAIT_PATTERN: Final = r"^[1-9][0-9]{0,4}(s|m)$(?!\n)"
# `$(?!\n)`: see deployer/model/cluster.py

OnFailure = Literal["rollback", "rollback-stack", "stop"]

Body = Mapping[str, Any]
"""The JSON body of an engine API request, as Docker's own converter wrote it."""


class StackSettings(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """The `x-deployer` section of a compose file: what deployer has to know about the stack beyond compose."""

    after: Annotated[
        tuple[Annotated[str, Meta(pattern=STACK_PATTERN)], ...], Meta(description="Stacks that must be healthy first.")
    ] = ()
    mode: Annotated[
        Literal["swarm", "compose"],
        Meta(description="swarm: services of the cluster; compose: containers of one machine, which needs no swarm."),
    ] = "swarm"
    node: (
        Annotated[str, Meta(pattern=NAME_PATTERN, description="With `mode: compose`: the machine that runs it.")] | None
    ) = None
    wait: Annotated[
        str,
        Meta(pattern=WAIT_PATTERN, description="How long its services may take until healthy: 180s, 5m."),
    ] = "180s"
    drift: Annotated[
        Literal["correct", "report"] | None,
        Meta(description="What somebody changed by hand is set back, or shown and left; as the cluster's policy says."),
    ] = None
    ignore: Annotated[
        tuple[Annotated[str, Meta(min_length=1)], ...],
        Meta(
            description="Fields that stay as they live, for autoscalers and the like: replicas, web.environment.MODE."
        ),
    ] = ()
    on_failure: Annotated[
        OnFailure,
        Meta(
            description="What becomes of a service that fails: rollback (back to what ran), rollback-stack (all that the run"
            " changed of the stack goes back), stop (it stays as it is)."
        ),
    ] = "rollback"

    images: Annotated[Images | None, Meta(description="What differs from the cluster's images section.")] = None
    prune: Annotated[
        bool, Meta(description="Whether services and networks that this file does not have any more are removed.")
    ] = True

    @property
    def wait_seconds(self) -> float:
        return float(self.wait[:-1]) * (60 if self.wait.endswith("m") else 1)


Condition = Literal["started", "healthy", "completed"]
"""`service_started`, `service_healthy` and `service_completed_successfully` of `depends_on`."""


@dataclass(frozen=True)
class Dependency:
    """One entry of `depends_on`, by full names: `service` comes after `on`, once that is as `condition` says."""

    service: str
    on: str
    condition: Condition = "started"
    required: bool = True
    """False: `service` comes after `on` has ended one way or the other."""


@dataclass(frozen=True)
class StackSource:
    """One stack's files at one commit.

    `entry` is the compose file's name inside `files`; `files` maps paths relative to the stack's own folder to their
    bytes; `root` is that folder in the repository (`stacks/web`), `path` the compose file there (`stacks/web/compose.yaml`).
    `content_id` names the content: equal ids mean equal files (a git tree id, or a hash of the bytes).
    """

    name: str
    path: str
    root: str
    entry: str
    files: tuple[tuple[str, bytes], ...]
    settings: StackSettings
    content_id: str
    executable: tuple[str, ...] = ()
    """Paths of those that may be run: an image that is built of them keeps that."""
    allowed: Allowed = EVERYTHING
    """What the files may name on the machine that deploys."""


@dataclass(frozen=True)
class SealedContent:
    """A config or secret whose content is encrypted: it has no data yet, and a name that is not its last.

    `file` is the encrypted file of the stack; empty where encrypted values are a part of `data` (base64).
    """

    kind: Literal["configs", "secrets"]
    name: str
    file: str
    data: str = ""
    template_driver: str = ""


@dataclass(frozen=True)
class SealedValue:
    """A token that stands for a variable of an encrypted env file, wherever it went in the bodies."""

    token: str
    file: str
    variable: str


@dataclass(frozen=True)
class StackObjects:
    """What one stack is on the engine: the exact bodies for `networks/create`, `configs/create`, `secrets/create`, `services/create`.

    Names inside are full names (`web_api`). Configs and secrets carry a content hash in their name; a service refers to them
    by name, and the executor fills in the ids. `external` are objects that the file calls external, as (kind, name).
    """

    stack: str
    networks: tuple[Body, ...]
    configs: tuple[Body, ...]
    secrets: tuple[Body, ...]
    services: tuple[Body, ...]
    external: tuple[tuple[Literal["network", "config", "secret", "volume"], str], ...] = ()
    order: tuple[Dependency, ...] = ()
    sealed_contents: tuple[SealedContent, ...] = ()
    sealed_values: tuple[SealedValue, ...] = ()
    """What is still encrypted: the compiler knows no keys, and before the bodies are compared or sent it is opened."""
    builds: tuple[Build, ...] = ()
    """Images that are built from the stack's files; services name them."""
    project: Project | None = None
    """In compose mode; everything above is empty then."""
    unavailable: tuple[tuple[str, str, str], ...] = ()
    """(service, why, what to do) of those that cannot be had now, whatever they are."""
