"""What can be done: one small value an operation, each one API call, one command, or one wait. The union is closed."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal

from deployer.model.subject import OfMachine, OfStack
from deployer.plan.care import CareOperation
from deployer.plan.compose import ComposeDown as ComposeDown  # noqa: PLC0414 - said again for whoever speaks of operations
from deployer.plan.compose import ComposeUp as ComposeUp  # noqa: PLC0414 - as above

if TYPE_CHECKING:
    from collections.abc import Mapping

    from deployer.model.build import Build, BuildFile
    from deployer.model.observed import LiveService
    from deployer.model.secret import SecretFile


@dataclass(frozen=True)
class InstallEngine(OfMachine):
    """Install Docker: from the distribution's packages, or from Docker's own repository."""

    node: str
    method: Literal["distro", "docker"]


@dataclass(frozen=True)
class WriteDaemonJson(OfMachine):
    """Write /etc/docker/daemon.json, and have a running engine read it: not at all, by SIGHUP, or by a restart."""

    node: str
    text: str
    effect: Literal["none", "reload", "restart"]


@dataclass(frozen=True)
class InitSwarm(OfMachine):
    node: str
    advertise: str


@dataclass(frozen=True)
class JoinSwarm(OfMachine):
    """Join through `via`, a manager, whose token is fetched at that moment and never shown."""

    node: str
    role: Literal["manager", "worker"]
    advertise: str
    via: str


@dataclass(frozen=True)
class UpdateMember(OfMachine):
    """Role, availability and the whole set of labels of a machine in the swarm, written by a manager."""

    node: str
    via: str
    role: Literal["manager", "worker"]
    availability: str
    labels: Mapping[str, str]


@dataclass(frozen=True)
class BuildImage(OfMachine):
    """Build our own image of the registrator from what is installed here, under a name that says its content."""

    node: str
    image: str
    base: str


@dataclass(frozen=True)
class RunContainer(OfMachine):
    """Pull the image where it is missing, remove our own container of that name, create this one, start it.

    `files` are put into it between the last two. `leaves`: once the old one has stopped, what that registered is taken out of
    the Consul at this address, as seen from the machine.
    """

    node: str
    name: str
    image: str
    body: Mapping[str, Any]
    files: tuple[SecretFile, ...] = ()
    leaves: str = ""


@dataclass(frozen=True)
class AwaitConsul(OfMachine):
    """Wait until Consul's server there knows a leader: before that it takes no registration.

    With several `servers`, until the leader also says that so many are healthy: before that none other may be restarted.
    """

    node: str
    timeout: float
    servers: int = 1


@dataclass(frozen=True)
class RegisterNode(OfMachine):
    """Write a machine into the catalogue, at the Consul server `via`."""

    node: str
    via: str
    address: str
    meta: Mapping[str, str]


@dataclass(frozen=True)
class CreateObject(OfStack):
    kind: Literal["network", "config", "secret"]
    stack: str
    name: str
    body: Mapping[str, Any]


@dataclass(frozen=True)
class BuildStackImage:
    """Build an image from a stack's own files on one machine."""

    stack: str
    node: str
    build: Build
    files: tuple[BuildFile, ...] = field(repr=False)
    dockerfile: bytes = field(repr=False)


@dataclass(frozen=True)
class PushImage:
    """Push an image from the machine that has it to the registry that its name says."""

    stack: str
    node: str
    image: str


@dataclass(frozen=True)
class SendImage:
    """Bring an image from one machine's engine to another's."""

    stack: str
    source: str
    node: str
    image: str


@dataclass(frozen=True)
class CreateService(OfStack):
    stack: str
    name: str
    body: Mapping[str, Any]


@dataclass(frozen=True)
class UpdateService(OfStack):
    """Replace the spec that the plan saw (`seen`): if the live one is another by then, the step fails and nothing is written."""

    stack: str
    name: str
    body: Mapping[str, Any]
    seen: LiveService


@dataclass(frozen=True)
class Back:
    """A service and the spec that it goes back to: the one that the plan saw running well."""

    service: str
    seen: LiveService
    sent: str
    """`deployer.hash` of what this run makes of it: over anything else nothing is written."""


@dataclass(frozen=True)
class ReplaceService(OfStack):
    """Remove the service that the plan saw, wait until its tasks are gone, create it anew."""

    stack: str
    name: str
    body: Mapping[str, Any]
    seen: LiveService


@dataclass(frozen=True)
class RemoveService(OfStack):
    """Remove the service that the plan saw, and wait until its tasks are gone: what they use cannot go before.

    `until` is the network that is replaced, where the service is made anew after that; empty where it goes for good.
    """

    stack: str
    name: str
    seen: LiveService
    until: str = ""


@dataclass(frozen=True)
class ReplaceNetwork(OfStack):
    """Remove the network that the plan saw, and create it with other options."""

    stack: str
    name: str
    id: str
    body: Mapping[str, Any]


@dataclass(frozen=True)
class RemoveObject(OfStack):
    kind: Literal["network", "config", "secret"]
    stack: str
    name: str
    id: str


@dataclass(frozen=True)
class AwaitServices(OfStack):
    """Wait until the services' tasks run (and are healthy, where they have a check) or, `completed`, have ended well.

    `timeout` in seconds, from when the stack is first waited for. One that fails goes back to what `back` has for it, while the
    others are waited for; `hasty` ends at the first that fails.
    """

    stack: str
    services: tuple[str, ...]
    timeout: float
    until: Literal["running", "healthy", "completed"] = "running"
    back: tuple[Back, ...] = ()
    hasty: bool = False


@dataclass(frozen=True)
class RollBackStack(OfStack):
    """All that this run changed of a stack goes back to what the plan saw: updated services to their specs, new ones are removed."""

    stack: str
    timeout: float
    back: tuple[Back, ...]
    created: tuple[str, ...] = ()


@dataclass(frozen=True)
class RetireContainer(OfMachine):
    """Stop and remove a container of ours; its volumes stay.

    A Consul leaves its cluster first, so that the others do not wait for it. What a registrator has put into the Consul at
    `leaves`, as seen from the machine, is taken out.
    """

    node: str
    name: str
    role: str
    leaves: str = ""


@dataclass(frozen=True)
class RemoveImage(OfMachine):
    node: str
    image: str


NodeOperation = (
    InstallEngine
    | WriteDaemonJson
    | InitSwarm
    | JoinSwarm
    | UpdateMember
    | BuildImage
    | RunContainer
    | AwaitConsul
    | RegisterNode
    | RetireContainer
    | RemoveImage
)


StackOperation = (
    BuildStackImage
    | PushImage
    | SendImage
    | CreateObject
    | CreateService
    | ComposeUp
    | ComposeDown
    | UpdateService
    | ReplaceService
    | RemoveService
    | ReplaceNetwork
    | RemoveObject
    | AwaitServices
    | RollBackStack
)
Operation = NodeOperation | StackOperation | CareOperation
