"""Machines over SSH: asyncssh, one connection each, host keys always checked."""

from __future__ import annotations

import asyncio
import contextlib
import math
import os
import random
from typing import TYPE_CHECKING, Any, Final

import asyncssh

from deployer.errors import TimedOutError
from deployer.model.allowed import EVERYTHING
from deployer.model.command import Command, Completed
from deployer.model.printable import printable
from deployer.remote.clock import read_clock
from deployer.remote.connection import (
    ConnectionFailedError,
    NoAnswerError,
    NotLetInError,
    Place,
    TcpPort,
    UnixSocket,
    is_this_machine,
)
from deployer.remote.hostkeys import REPOSITORY, HostKeys
from deployer.remote.identity import identity_file
from deployer.remote.output import collect
from deployer.remote.sudo import Sudo
from deployer.remote.together import together

if TYPE_CHECKING:
    from collections.abc import Callable

    from deployer.model.allowed import Allowed
    from deployer.model.cluster import Node
    from deployer.model.secret import Secret
    from deployer.remote.connection import Stream

KEEPALIVE_SECONDS: Final = 5
KEEPALIVE_COUNT: Final = 3
"""A connection into a black hole gives up after the product; without keep-alive it would hang for ever."""

GRACE_SECONDS: Final = 5
"""Between the remote `timeout` ending a command and our giving up on it."""

LONGEST_COMPLAINT: Final = 4096

DROPPED: Final = 4
"""How often a connection that is closed before the greeting is tried."""


async def connect(
    node: Node, known_hosts: str, password: Secret | None = None, allowed: Allowed = EVERYTHING
) -> SshConnection:
    """Open the connection to a machine; to this one where it is `allowed`.

    `known_hosts` is the text of the repository's file; where it says nothing of this host, the user's own file counts.
    `password` is sudo's there.
    Raises ConnectionFailedError with the reason and what to do.
    """
    options = _options(node, allowed)
    trust = HostKeys(node.address, known_hosts, allowed)
    try:
        async with asyncio.timeout(node.ssh.connect_timeout):
            settled = await asyncssh.SSHClientConnectionOptions.construct(host=node.address, config=(), **options)
            trust.own_files(settled.known_hosts)
            connection = await _attempts(node.address, {**options, "known_hosts": trust.match})
    except TimeoutError:
        raise NoAnswerError(f"no answer from {node.address} within {node.ssh.connect_timeout:g} s") from None
    except asyncssh.HostKeyNotVerifiable:
        raise _untrusted(node, trust, allowed) from None
    except asyncssh.PermissionDenied:
        raise NotLetInError(
            f"{node.address} does not let {settled.username} in: no key is accepted",
            help="check ssh.user and ssh.identity_file, and that the public key is in ~/.ssh/authorized_keys there",
        ) from None
    except asyncssh.ConfigParseError as error:
        raise ConnectionFailedError(f"~/.ssh/config cannot be read: {error}") from None
    except asyncssh.KeyExchangeFailed as error:
        if trust.listed or trust.here:  # none of the kinds of key that are listed for it
            raise _untrusted(node, trust, allowed) from None
        raise ConnectionFailedError(f"{node.address}: {error.reason}") from None
    except (asyncssh.Error, OSError, ValueError) as error:
        raise ConnectionFailedError(f"{node.address}: {_reason(error)}") from None
    _refuse_this_machine(connection, trust, node, allowed)
    return SshConnection(connection, Sudo(node, password))


def _refuse_this_machine(
    connection: asyncssh.SSHClientConnection, trust: HostKeys, node: Node, allowed: Allowed
) -> None:
    if connection.get_server_host_key() in trust.refused_keys():
        connection.abort()
        raise is_this_machine(node.address, allowed)


def _reason(error: Exception) -> str:
    """The system's own words where it has some: asyncio's name the call and not what is wrong."""
    number = getattr(error, "errno", None)
    words = os.strerror(number) if isinstance(error, OSError) and number and number > 0 else ""
    return words or getattr(error, "reason", "") or str(error)


async def host_key(node: Node) -> asyncssh.SSHKey:
    """The host key that a machine shows, without logging in. Raises ConnectionFailedError."""
    try:
        async with asyncio.timeout(node.ssh.connect_timeout):
            key = await asyncssh.get_server_host_key(node.address, node.ssh.port or ())
    except TimeoutError:
        raise NoAnswerError(f"no answer from {node.address} within {node.ssh.connect_timeout:g} s") from None
    except (asyncssh.Error, OSError, ValueError) as error:
        raise ConnectionFailedError(
            f"{node.address}: {_reason(error)}", help="is it on, and is this its SSH port?"
        ) from None
    if key is None:
        raise ConnectionFailedError(f"{node.address} has no host key")
    return key


async def _attempts(address: str, options: dict[str, Any]) -> asyncssh.SSHClientConnection:
    """Connect. sshd drops connections before it greets them when many come at once (sshd_config(5), MaxStartups)."""
    for _ in range(DROPPED - 1):
        try:
            return await asyncssh.connect(address, **options)
        except (asyncssh.ConnectionLost, ConnectionResetError):
            await asyncio.sleep(random.uniform(0.1, 0.4))  # noqa: S311 - spreads the attempts, keeps no secret
    return await asyncssh.connect(address, **options)


def _options(node: Node, allowed: Allowed) -> dict[str, Any]:
    """What asyncssh is told; everything else it reads from ~/.ssh/config and the agent, as `ssh` does.

    What a hostile machine could make use of is off, whatever that file says.
    """
    options: dict[str, Any] = {
        "keepalive_interval": KEEPALIVE_SECONDS,
        "keepalive_count_max": KEEPALIVE_COUNT,
        "agent_forwarding": False,
        "x11_forwarding": False,
        "request_pty": False,
        "send_env": None,
        "compression_algs": None,
        # First of all what processors have instructions for: over 30 connections ChaCha20 costs 0.3 s more, in Python.
        "encryption_algs": "^aes128-gcm@openssh.com,aes256-gcm@openssh.com",
        "gss_host": None,
        "preferred_auth": "publickey",
    }
    if node.ssh.user:
        options["username"] = node.ssh.user
    if node.ssh.port:
        options["port"] = node.ssh.port
    if node.ssh.identity_file:
        options["client_keys"] = [str(identity_file(node.ssh.identity_file, allowed))]
        options["ignore_encrypted"] = True  # the agent may have it
    return options


def _untrusted(node: Node, trust: HostKeys, allowed: Allowed) -> NotLetInError:
    if trust.here:
        return is_this_machine(node.address, allowed)
    if trust.listed:
        return NotLetInError(
            f"the host key of {node.address} is not the one in {trust.listed}: "
            "the machine was re-installed, or somebody listens in",
            help=f"if you know why, replace its line in {trust.listed}"
            + (" and commit" if trust.listed == REPOSITORY else ""),
        )
    port = f"-p {node.ssh.port} " if node.ssh.port else ""
    return NotLetInError(
        f"the host key of {node.address} is not known, so whether it is {node.name} cannot be told",
        help=f"`ssh-keyscan {port}{node.address}` shows it; when you have checked it, add it to {REPOSITORY} and commit",
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


class _Relay(_SshStream):
    """A socket by way of a command; what that says on standard error is why there is nothing to read."""

    def __init__(self, path: str, process: asyncssh.SSHClientProcess[bytes]) -> None:
        super().__init__(process.stdout, process.stdin)
        self._path = path
        self._process = process
        self._heard = False

    async def read(self, limit: int) -> bytes:
        data = await super().read(limit)
        if not data and not self._heard:
            said = (await self._process.stderr.read(LONGEST_COMPLAINT)).decode("utf-8", "replace").strip()
            raise ConnectionFailedError(f"{self._path} there: {printable(said) or 'no answer'}")
        self._heard = True
        return data


class SshConnection:
    """A machine over one SSH connection; commands and sockets are channels of it."""

    def __init__(self, connection: asyncssh.SSHClientConnection, sudo: Sudo) -> None:
        self._connection = connection
        self._sudo = sudo
        self._root = connection.get_extra_info("username") == "root"
        self._by_command = False

    async def run(self, command: Command, on_line: Callable[[str], None] | None = None) -> Completed:
        # `timeout` ends the command over there too: closing a channel would leave it running.
        argv = ("timeout", "-k", "5", str(math.ceil(command.timeout)), *command.argv)
        stdin = command.stdin
        if command.root and not self._root:
            granted = await self._sudo.granted(self.run)
            argv, stdin = granted.argv(argv), granted.stdin(stdin)
        began = read_clock()
        process: asyncssh.SSHClientProcess[bytes] | None = None
        try:
            async with asyncio.timeout(command.timeout + GRACE_SECONDS):
                process = await self._connection.create_process(Command(argv).shell(), encoding=None)
                with contextlib.suppress(BrokenPipeError):  # it ended without reading; its status tells
                    process.stdin.write(stdin)
                    process.stdin.write_eof()
                async with together() as group:
                    stdout = group.create_task(collect(process.stdout, on_line))
                    stderr = group.create_task(collect(process.stderr, on_line))
                await process.wait_closed()
        except TimeoutError:
            raise _late(command) from None
        except (asyncssh.Error, OSError) as error:
            raise ConnectionFailedError(f"the connection broke: {error}") from None
        finally:
            if process is not None:
                process.close()  # and not waited for: a machine that hangs confirms nothing
        if process.returncode is None:
            raise ConnectionFailedError(f"the connection broke while `{command.argv[0]}` ran")
        if process.returncode in {124, 137} and read_clock() - began >= command.timeout:
            raise _late(command)
        return Completed(process.returncode, stdout.result(), stderr.result())

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
        granted = await self._sudo.granted(self.run)
        relay = granted.relay(path)
        try:
            process = await self._connection.create_process(Command(relay).shell(), encoding=None)
            process.stdin.write(granted.stdin())
            return _Relay(path, process)
        except (asyncssh.Error, OSError) as error:
            raise ConnectionFailedError(f"{path} there: {error}") from None

    async def close(self) -> None:
        self._connection.close()
        await self._connection.wait_closed()


def _late(command: Command) -> TimedOutError:
    return TimedOutError(f"`{command.argv[0]}` took longer than {command.timeout:g} s")
