"""A change: one difference between desired and observed, with its cause."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

from deployer.diff.cause import Cause as Cause  # noqa: PLC0414 - said again for whoever speaks of changes
from deployer.diff.surplus_change import ContainerSurplus as ContainerSurplus  # noqa: PLC0414 - as above
from deployer.diff.surplus_change import EntrySurplus as EntrySurplus  # noqa: PLC0414 - as above
from deployer.diff.surplus_change import ImageSurplus as ImageSurplus  # noqa: PLC0414 - as above
from deployer.diff.surplus_change import MemberSurplus as MemberSurplus  # noqa: PLC0414 - as above
from deployer.diff.surplus_change import NetworkReplaced as NetworkReplaced  # noqa: PLC0414 - as above
from deployer.diff.surplus_change import ObjectSurplus as ObjectSurplus  # noqa: PLC0414 - as above
from deployer.diff.surplus_change import ServiceReplaced as ServiceReplaced  # noqa: PLC0414 - as above
from deployer.diff.surplus_change import ServiceSurplus as ServiceSurplus  # noqa: PLC0414 - as above
from deployer.diff.tls_change import TlsDiffers as TlsDiffers  # noqa: PLC0414 - as above
from deployer.diff.tls_change import TlsSurplus as TlsSurplus  # noqa: PLC0414 - as above
from deployer.model.field import ABSENT as ABSENT  # noqa: PLC0414 - as above
from deployer.model.field import Absent as Absent  # noqa: PLC0414 - as above
from deployer.model.field import Field as Field  # noqa: PLC0414, TC001 - as above
from deployer.model.subject import OfMachine, OfStack

if TYPE_CHECKING:
    from collections.abc import Mapping

    from deployer.diff.effect import Effect
    from deployer.model.build import Build
    from deployer.model.observed import LiveService
    from deployer.model.project import Project
    from deployer.model.secret import SecretFile


@dataclass(frozen=True)
class EngineMissing(OfMachine):
    node: str
    method: Literal["distro", "docker"]
    cause: Cause = Cause.NOT_FOUND


@dataclass(frozen=True)
class DaemonJson(OfMachine):
    """daemon.json is to say `text`; `effect` is what the engine needs for it (dockerd(8), "configuration reloading")."""

    node: str
    text: str
    fields: tuple[Field, ...]
    effect: Literal["none", "reload", "restart"]
    cause: Cause = Cause.CHANGED


@dataclass(frozen=True)
class NoSwarm(OfMachine):
    """There is no swarm yet: this machine starts it."""

    node: str
    advertise: str
    cause: Cause = Cause.NOT_FOUND


@dataclass(frozen=True)
class NotMember(OfMachine):
    node: str
    role: Literal["manager", "worker"]
    advertise: str
    cause: Cause = Cause.NOT_FOUND


@dataclass(frozen=True)
class StaleMember(OfMachine):
    """An entry in the managers' list that a machine had before it was installed anew: it goes once the machine has joined."""

    node: str
    member: str
    manager: bool = False
    cause: Cause = Cause.SUPERSEDED


@dataclass(frozen=True)
class MemberDiffers(OfMachine):
    """Role, availability or labels of a member; `labels` is the whole set to be written."""

    node: str
    role: Literal["manager", "worker"]
    availability: str
    labels: Mapping[str, str]
    fields: tuple[Field, ...]
    cause: Cause = Cause.CHANGED

    @property
    def turns(self) -> str:
        """The role that it gets and does not have yet; empty where that stays."""
        return next((self.role for field in self.fields if field.path == "role"), "")


@dataclass(frozen=True)
class ContainerDiffers(OfMachine):
    """A container of the machine itself that is missing, stopped, or made from another definition."""

    node: str
    name: str
    image: str
    body: Mapping[str, Any]
    cause: Cause
    role: Literal["server", "agent", "registrator"] = "server"
    """What it is: one of Consul's servers, a client agent of Consul, the registrator."""
    files: tuple[SecretFile, ...] = ()
    """What it is given before it starts, and no plan shows."""
    leaves: str = ""
    """Of a registrator that is to register elsewhere: the Consul that has what it registered until now."""


@dataclass(frozen=True)
class ImageMissing(OfMachine):
    """Our own image of the registrator, which no registry has."""

    node: str
    image: str
    base: str
    cause: Cause = Cause.NOT_FOUND


@dataclass(frozen=True)
class ImageUnbuilt(OfStack):
    """An image of a stack's own files that machines lack, or its registry does. `at` has it, where it is `built`, or builds it."""

    stack: str
    build: Build
    at: str
    built: bool
    lacking: tuple[str, ...]
    """Other machines that may run its service."""
    cause: Cause = Cause.NOT_FOUND


@dataclass(frozen=True)
class NotRegistered(OfMachine):
    """A machine that Consul's catalogue lacks, or knows otherwise. `meta` lacks the engine's version where that is not known yet."""

    node: str
    address: str
    meta: Mapping[str, str]
    fields: tuple[Field, ...]
    cause: Cause


@dataclass(frozen=True)
class ObjectMissing(OfStack):
    """A network, config or secret of a stack. `fields`: how it differs from the one whose place it takes."""

    kind: Literal["network", "config", "secret"]
    stack: str
    name: str
    body: Mapping[str, Any]
    cause: Cause = Cause.NOT_FOUND
    fields: tuple[Field, ...] = ()


@dataclass(frozen=True)
class ServiceMissing(OfStack):
    stack: str
    name: str
    body: Mapping[str, Any]
    cause: Cause = Cause.NOT_FOUND


@dataclass(frozen=True)
class ServiceDiffers(OfStack):
    """`effect`: what the update does to its tasks."""

    stack: str
    name: str
    body: Mapping[str, Any]
    seen: LiveService
    fields: tuple[Field, ...]
    cause: Cause
    effect: Effect | None = None


@dataclass(frozen=True)
class ServiceUnsettled(OfStack):
    """Its definition is in order, its tasks are not (yet)."""

    stack: str
    name: str
    running: int
    wanted: int
    cause: Cause = Cause.NOT_HEALTHY


@dataclass(frozen=True)
class ProjectDiffers(OfStack):
    """A stack in compose mode is not on its machine as git says; `unsettled`: only its containers are not well."""

    stack: str
    machine: str
    project: Project
    fields: tuple[Field, ...]
    cause: Cause
    unsettled: bool = False


@dataclass(frozen=True)
class ProjectSurplus(OfStack):
    """A compose project of this cluster on a machine for which git does not have it; `whole`: nor for any other."""

    stack: str
    machine: str
    whole: bool
    cause: Cause = Cause.GONE


Change = (
    EngineMissing
    | DaemonJson
    | TlsDiffers
    | TlsSurplus
    | NoSwarm
    | NotMember
    | StaleMember
    | MemberDiffers
    | ContainerDiffers
    | ImageMissing
    | ImageUnbuilt
    | NotRegistered
    | ObjectMissing
    | ServiceMissing
    | ServiceDiffers
    | ServiceUnsettled
    | ServiceReplaced
    | NetworkReplaced
    | ServiceSurplus
    | ObjectSurplus
    | ProjectDiffers
    | ProjectSurplus
    | MemberSurplus
    | EntrySurplus
    | ContainerSurplus
    | ImageSurplus
)


@dataclass(frozen=True)
class Blocked:
    """Something that is wanted and cannot be done: `subject` is the machine or object, `reason` one line, `help` what to do.

    `unreachable`: only because a machine did not answer, which has an exit code of its own. `at` is where it stands in the compose
    file of `stack`, where it stands in one; `place` is that as `path:line:column`.
    """

    subject: str
    reason: str
    help: str = ""
    unreachable: bool = False
    stack: str = ""
    at: tuple[str | int, ...] = ()
    place: str = ""

    @property
    def told(self) -> str:
        """In one line, its place first."""
        return ": ".join(part for part in (self.place, self.subject, self.reason) if part)


@dataclass(frozen=True)
class Drifted:
    """What somebody changed by hand on a service, and is left as it is (`drift: report`)."""

    stack: str
    name: str
    fields: tuple[Field, ...]


@dataclass(frozen=True)
class Kept:
    """Something that git does not have any more, and that stays all the same: `reason` says why, in one line."""

    subject: str
    reason: str


@dataclass(frozen=True)
class Warned:
    """Something that is done as git says, and will not do well: `reason` is one line, `help` what to write."""

    subject: str
    reason: str
    help: str


@dataclass(frozen=True)
class Diff:
    """Everything that differs, what cannot be mended, how many objects are as they should be, and what is left though it drifted."""

    changes: tuple[Change, ...]
    blocked: tuple[Blocked, ...] = ()
    unchanged: int = 0
    drifted: tuple[Drifted, ...] = ()
    kept: tuple[Kept, ...] = ()
    warned: tuple[Warned, ...] = ()
