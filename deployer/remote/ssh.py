"""Machines over SSH: asyncssh, one connection each, host keys always checked (FAULTS.md S-11, F-07 to F-09)."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import TYPE_CHECKING, Final

import asyncssh

from deployer.errors import TimedOutError
from deployer.model.command import Command, Completed
from deployer.remote.connection import ConnectionFailedError, Place, TcpPort, UnixSocket
from deployer.remote.output import collect

if TYPE_CHECKING:
    from collections.abc import Callable

    from deployer.model.cluster import Node
    from deployer.remote.connection import Stream

KEEPALIVE_SECONDS: Final = 5
KEEPALIVE_COUNT: Final = 3
"""A connection into a black hole gives up after the product; without keep-alive it would hang for ever (FAULTS.md F-09)."""

GRACE_SECONDS: Final = 5
"""Between the remote `timeout` ending a command and our giving up on it."""


async def connect(node: Node, known_hosts: str) -> SshConnection:
    """Open the connection to a machine.

    `known_hosts` is the text of the repository's file; where it says nothing of this host, the user's own file counts.
    Raises ConnectionFailedError with the reason and what to do.
    """
    options = _options(node, known_hosts)
    pinned = "known_hosts" in options
    try:
        async with asyncio.timeout(node.ssh.connect_timeout):
            connection = await asyncssh.connect(node.address, **options)
    except TimeoutError:
        raise ConnectionFailedError(f"no answer from {node.address} within {node.ssh.connect_timeout:g} s") from None
    except asyncssh.HostKeyNotVerifiable:
        raise _untrusted(node, pinned=pinned) from None
    except asyncssh.PermissionDenied:
        user = options.get("username", "you")
        raise ConnectionFailedError(
            f"{node.address} does not let {user} in: no key is accepted",
            help="check ssh.user and ssh.identity_file, and that the public key is in ~/.ssh/authorized_keys there",
        ) from None
    except asyncssh.KeyImportError as error:
        raise ConnectionFailedError(
            f"the identity file cannot be used: {error}", help="load it into ssh-agent"
        ) from None
    except (asyncssh.Error, OSError) as error:
        reason = getattr(error, "reason", "") or getattr(error, "strerror", "") or str(error)
        raise ConnectionFailedError(f"{node.address}: {reason}") from None
    return SshConnection(connection)


def _options(node: Node, known_hosts: str) -> dict[str, object]:
    """What asyncssh is told; everything else it reads from ~/.ssh/config and the agent, as `ssh` does."""
    options: dict[str, object] = {
        "keepalive_interval": KEEPALIVE_SECONDS,
        "keepalive_count_max": KEEPALIVE_COUNT,
        "agent_forwarding": False,
        "compression_algs": None,
        "gss_host": None,
        "preferred_auth": "publickey",
    }
    if node.ssh.user:
        options["username"] = node.ssh.user
    if node.ssh.port:
        options["port"] = node.ssh.port
    if node.ssh.identity_file:
        options["client_keys"] = [str(_identity(node.ssh.identity_file))]
    pinned = _pinned(node, known_hosts)
    if pinned:
        options["known_hosts"] = pinned
    return options


def _pinned(node: Node, known_hosts: str) -> asyncssh.SSHKnownHosts | None:
    """The repository's host keys, if it has any for this machine; only these count then."""
    if not known_hosts.strip():
        return None
    try:
        hosts = asyncssh.import_known_hosts(known_hosts)
    except ValueError as error:
        raise ConnectionFailedError(f"cluster/known_hosts cannot be read: {error}") from None
    keys, *_ = hosts.match(node.address, node.address if _numeric(node.address) else "", node.ssh.port)
    return hosts if keys else None


def _numeric(address: str) -> bool:
    return address.replace(".", "").isdigit() or ":" in address


def _identity(name: str) -> Path:
    path = Path(name).expanduser()
    try:
        mode = path.stat().st_mode
    except OSError as error:
        raise ConnectionFailedError(
            f"identity file {name}: {error.strerror}",
            help="correct ssh.identity_file, or leave it out to use your own keys",
        ) from None
    if mode & 0o077:
        raise ConnectionFailedError(f"identity file {name} can be read by others", help=f"chmod 600 {name}")
    return path


def _untrusted(node: Node, *, pinned: bool) -> ConnectionFailedError:
    if pinned:
        return ConnectionFailedError(
            f"the host key of {node.address} is not the one in cluster/known_hosts: it was re-installed, or somebody listens in",
            help="if you know why, replace its line in cluster/known_hosts and commit",
        )
    return ConnectionFailedError(
        f"the host key of {node.address} is not known, so whether it is {node.name} cannot be told",
        help=f"`ssh-keyscan {node.address}` shows it; when you have checked it, add it to cluster/known_hosts and commit",
    )


class _SshStream:
    def __init__(self, reader: asyncssh.SSHReader[bytes], writer: asyncssh.SSHWriter[bytes]) -> None:
        self._reader = reader
        self._writer = writer

    async def read(self, limit: int) -> bytes:
        try:
            return await self._reader.read(limit)
        except (asyncssh.Error, OSError) as error:
            raise ConnectionFailedError(f"the connection broke: {error}") from None

    async def write(self, data: bytes) -> None:
        try:
            self._writer.write(data)
            await self._writer.drain()
        except (asyncssh.Error, OSError) as error:
            raise ConnectionFailedError(f"the connection broke: {error}") from None

    def close(self) -> None:
        self._writer.close()


class SshConnection:
    """A machine over one SSH connection; commands and sockets are channels of it."""

    def __init__(self, connection: asyncssh.SSHClientConnection) -> None:
        self._connection = connection
        self._root = connection.get_extra_info("username") == "root"
        self._by_command = False

    async def run(self, command: Command, on_line: Callable[[str], None] | None = None) -> Completed:
        # `timeout` ends the command over there too: closing a channel would leave it running (FAULTS.md F-10).
        argv = ("timeout", "-k", "5", f"{command.timeout:.0f}", *command.argv)
        if command.root and not self._root:
            argv = ("sudo", "-n", "--", *argv)
        try:
            async with (
                asyncio.timeout(command.timeout + GRACE_SECONDS),
                self._connection.create_process(Command(argv).shell(), encoding=None) as process,
            ):
                process.stdin.write(command.stdin)
                process.stdin.write_eof()
                stdout, stderr = await asyncio.gather(
                    collect(process.stdout, on_line), collect(process.stderr, on_line)
                )
                await process.wait_closed()
        except TimeoutError:
            raise TimedOutError(f"`{command.argv[0]}` took longer than {command.timeout:g} s") from None
        except (asyncssh.Error, OSError) as error:
            raise ConnectionFailedError(f"the connection broke: {error}") from None
        status = process.returncode
        if status in {124, 137}:
            raise TimedOutError(f"`{command.argv[0]}` took longer than {command.timeout:g} s")
        return Completed(-1 if status is None else status, stdout, stderr)

    async def open(self, place: Place) -> Stream:
        match place:
            case UnixSocket(path):
                return await self._open_unix(path)
            case TcpPort(host, port):
                try:
                    return _SshStream(*await self._connection.open_connection(host, port, encoding=None))
                except (asyncssh.Error, OSError) as error:
                    raise ConnectionFailedError(f"port {port} there: {error}") from None

    async def _open_unix(self, path: str) -> Stream:
        if not self._by_command:
            try:
                return _SshStream(*await self._connection.open_unix_connection(path, encoding=None))
            except (asyncssh.Error, OSError) as error:
                if self._root:
                    raise ConnectionFailedError(f"{path} there: {error}") from None
        # sshd opens the socket as the user. One who is not in the group `docker` reaches it by sudo and Docker's own relay.
        self._by_command = True
        relay = Command(("sudo", "-n", "--", "docker", "--host", f"unix://{path}", "system", "dial-stdio"))
        try:
            process = await self._connection.create_process(relay.shell(), encoding=None)
        except (asyncssh.Error, OSError) as error:
            raise ConnectionFailedError(f"{path} there: {error}") from None
        return _SshStream(process.stdout, process.stdin)

    async def close(self) -> None:
        self._connection.close()
        await self._connection.wait_closed()
