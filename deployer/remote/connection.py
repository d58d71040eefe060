"""The one seam to the world: a connection to a machine runs commands and opens sockets there; the same for SSH, local and fake."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

from deployer.errors import UnreachableError
from deployer.model.allowed import LOCAL

if TYPE_CHECKING:
    from collections.abc import Callable

    from deployer.model.allowed import Allowed
    from deployer.model.command import Command, Completed


@dataclass(frozen=True)
class UnixSocket:
    path: str


@dataclass(frozen=True)
class TcpPort:
    host: str
    port: int


Place = UnixSocket | TcpPort
"""Where a stream may lead to, as seen from the machine."""


class ConnectionFailedError(UnreachableError):
    """The machine, or the socket on it, could not be reached."""


class NoAnswerError(ConnectionFailedError):
    """Nothing came back within the time that there was."""


class NotLetInError(ConnectionFailedError):
    """Something answers there, and is not believed, or does not let us in."""


def is_this_machine(name: str, allowed: Allowed) -> NotLetInError:
    return NotLetInError(f"{name} leads to the machine that deploys", help=allowed.advice(LOCAL))


class Stream(Protocol):
    """Bytes both ways."""

    async def read(self, limit: int) -> bytes:
        """The next bytes, at most `limit`; empty at the end."""

    async def write(self, data: bytes) -> None: ...

    def close(self) -> None: ...


class Connection(Protocol):
    """A machine that can be reached."""

    async def run(self, command: Command, on_line: Callable[[str], None] | None = None) -> Completed:
        """Run a command to its end; `on_line` gets each line of its output as it comes.

        Raises ConnectionFailedError where the connection breaks, TimedOutError where the command's time is up.
        """

    async def open(self, place: Place) -> Stream:
        """Open a socket on the machine. Raises ConnectionFailedError where nothing listens there."""

    async def close(self) -> None: ...
