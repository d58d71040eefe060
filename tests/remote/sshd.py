"""A small SSH server in this very process: commands run by sh, sockets are opened as asked, and what came is noted."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import asyncssh

from deployer.model.cluster import Node, Ssh
from tests.fakes import node
from tests.waiting import GENEROUS

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Coroutine
    from pathlib import Path
    from typing import Any

    Handler = Callable[[asyncssh.SSHServerProcess[bytes]], Coroutine[Any, Any, None]]

HOST_KEY = asyncssh.generate_private_key("ssh-ed25519")
OTHER_HOST_KEY = asyncssh.generate_private_key("ssh-ed25519")
RSA_HOST_KEY = asyncssh.generate_private_key("ssh-rsa", key_size=2048)
USER_KEY = asyncssh.generate_private_key("ssh-ed25519")


async def by_shell(process: asyncssh.SSHServerProcess[bytes], path: str = "") -> None:
    """What sshd does: the user's shell gets the command's line. `path` is a directory whose programs come first."""
    child = await asyncio.create_subprocess_shell(
        f"exec {process.command}",
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
        start_new_session=True,
        env=os.environ | ({"PATH": f"{path}:{os.environ['PATH']}"} if path else {}),
    )
    assert child.stdin
    feeding = asyncio.ensure_future(_feed(process.stdin, child.stdin))
    try:
        await asyncio.gather(_pass_on(child.stdout, process.stdout), _pass_on(child.stderr, process.stderr))
        process.exit(await child.wait())
    finally:
        feeding.cancel()
        # All of them: one that is left has the pipes, whose ends are waited for, and `timeout` passes on what it gets but once.
        if child.returncode is None:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(child.pid, signal.SIGKILL)
        await child.wait()


async def _feed(source: asyncssh.SSHReader[bytes], sink: asyncio.StreamWriter) -> None:
    with contextlib.suppress(ConnectionError):  # it does not read
        while data := await source.read(65536):
            sink.write(data)
            await sink.drain()
    sink.close()


async def _pass_on(source: asyncio.StreamReader | None, sink: asyncssh.SSHWriter[bytes]) -> None:
    assert source
    while data := await source.read(65536):
        with contextlib.suppress(BrokenPipeError):  # nobody listens any more
            sink.write(data)
            await sink.drain()


@dataclass
class Sshd:
    """One server. `identity` is the private key's file that it lets in."""

    identity: Path
    port: int = 0
    logins: list[asyncssh.SSHServerConnection] = field(default_factory=list)
    """Every connection that came, with authentication or without."""
    users: list[str] = field(default_factory=list)
    commands: list[str] = field(default_factory=list)
    ptys: list[str | None] = field(default_factory=list)
    sockets: list[str] = field(default_factory=list)
    unix: bool = True
    """Whether the user may open unix sockets."""

    def node(self, name: str = "m1", **ssh: Any) -> Node:
        """A machine at this server; what differs from a good configuration by keyword."""
        settings: dict[str, Any] = {
            "user": "root",
            "port": self.port,
            "identity_file": str(self.identity),
            "connect_timeout": GENEROUS,
        }
        return node(name, ssh=Ssh(**(settings | ssh)))

    def known(self, key: asyncssh.SSHKey = HOST_KEY, host: str = "127.0.0.1") -> str:
        """A line of known_hosts that says `key` of this server."""
        return f"[{host}]:{self.port} {key.export_public_key().decode()}"


class _Server(asyncssh.SSHServer):
    def __init__(self, sshd: Sshd) -> None:
        self._sshd = sshd

    def connection_made(self, conn: asyncssh.SSHServerConnection) -> None:
        self._sshd.logins.append(conn)

    def begin_auth(self, username: str) -> bool:
        self._sshd.users.append(username)
        self._sshd.logins[-1].send_auth_banner("\x1b[2JYou have been hacked\n")
        return True

    def public_key_auth_supported(self) -> bool:
        return True

    def validate_public_key(self, _username: str, key: asyncssh.SSHKey) -> bool:
        return key.public_data == USER_KEY.public_data

    def unix_connection_requested(self, dest_path: str) -> bool:
        self._sshd.sockets.append(dest_path)
        return self._sshd.unix

    def connection_requested(self, *_: object) -> bool:
        return True


@contextlib.asynccontextmanager
async def sshd(
    directory: Path, *, handler: Handler = by_shell, host_keys: tuple[asyncssh.SSHKey, ...] = (HOST_KEY,)
) -> AsyncIterator[Sshd]:
    """A server on a free port of this machine."""
    identity = directory / "id_ed25519"
    identity.write_bytes(USER_KEY.export_private_key())
    identity.chmod(0o600)
    noted = Sshd(identity)
    handling: list[asyncio.Task[object]] = []

    async def handle(process: asyncssh.SSHServerProcess[bytes]) -> None:
        noted.commands.append(process.command or "")
        noted.ptys.append(process.get_terminal_type())
        task = asyncio.current_task()
        assert task
        handling.append(task)
        await handler(process)

    server = await asyncssh.listen(
        "127.0.0.1",
        0,
        server_factory=lambda: _Server(noted),
        server_host_keys=list(host_keys),
        process_factory=handle,
        encoding=None,
    )
    noted.port = server.sockets[0].getsockname()[1]
    try:
        yield noted
    finally:
        server.close()
        for task in handling:
            task.cancel()
        await asyncio.gather(*handling, return_exceptions=True)
        for login in noted.logins:
            login.abort()
        await asyncio.gather(*(login.wait_closed() for login in noted.logins), return_exceptions=True)
        await server.wait_closed()
