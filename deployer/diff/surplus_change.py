"""Changes that take something away: what git does not have any more, and what has to go before it can become what it is to be."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

from deployer.diff.cause import Cause
from deployer.model.subject import OfMachine, OfStack

if TYPE_CHECKING:
    from collections.abc import Mapping

    from deployer.model.field import Field
    from deployer.model.observed import LiveService


@dataclass(frozen=True)
class ServiceReplaced(OfStack):
    """A service that cannot become what it is to be: it is removed and made anew.

    `network` is the one of its networks that is replaced; empty where its mode is another.
    """

    stack: str
    name: str
    body: Mapping[str, Any]
    seen: LiveService
    fields: tuple[Field, ...]
    cause: Cause
    network: str = ""


@dataclass(frozen=True)
class NetworkReplaced(OfStack):
    """A network whose options differ: an engine cannot change one (moby#37901)."""

    stack: str
    name: str
    id: str
    body: Mapping[str, Any]
    fields: tuple[Field, ...]
    cause: Cause = Cause.CHANGED


@dataclass(frozen=True)
class ServiceSurplus(OfStack):
    """A service of this cluster that git does not have any more.

    `whole`: nor any of its stack. `room_for` is a service that needs a port which this one holds.
    """

    stack: str
    name: str
    seen: LiveService
    whole: bool = False
    room_for: str = ""
    cause: Cause = Cause.GONE


@dataclass(frozen=True)
class ObjectSurplus(OfStack):
    """A network, config or secret that git does not have any more, and that nothing uses afterwards."""

    kind: Literal["network", "config", "secret"]
    stack: str
    name: str
    id: str
    whole: bool = False
    cause: Cause = Cause.GONE


@dataclass(frozen=True)
class MemberSurplus(OfMachine):
    """A member of the swarm whose machine's file is gone; `node` is the name that it had, `state` what the managers call it."""

    node: str
    id: str
    role: str
    state: str
    cause: Cause = Cause.GONE


@dataclass(frozen=True)
class EntrySurplus(OfMachine):
    """A machine in Consul's catalogue whose file is gone; `via` is a server that can be asked."""

    node: str
    via: str
    cause: Cause = Cause.GONE


@dataclass(frozen=True)
class ContainerSurplus(OfMachine):
    """A container of ours on a machine whose file does not ask for it any more; `joins` is where it is registered, or registers."""

    node: str
    name: str
    role: str
    joins: str = ""
    cause: Cause = Cause.GONE


@dataclass(frozen=True)
class ImageSurplus(OfMachine):
    """An earlier image of our own registrator."""

    node: str
    image: str
    cause: Cause = Cause.SUPERSEDED
