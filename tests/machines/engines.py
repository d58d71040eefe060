"""SSH servers with an engine behind them that answers from memory, as many as a test wants; and machines that do worse."""

from __future__ import annotations

import asyncio
import contextlib
import json
import socket
import tempfile
import threading
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import asyncssh

from tests.remote.sshd import HOST_KEY, USER_KEY, by_shell
from tests.waiting import GENEROUS

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator

    Reader = asyncssh.SSHReader[bytes]
    Writer = asyncssh.SSHWriter[bytes]

VERSION: Final = {"Version": "26.1.5", "ApiVersion": "1.45"}
MANAGER: Final = {
    "Swarm": {"LocalNodeState": "active", "NodeID": "n1", "NodeAddr": "10.0.0.1", "ControlAvailable": True}
}
WORKER: Final = {
    "Swarm": {"LocalNodeState": "active", "NodeID": "n2", "NodeAddr": "10.0.0.2", "ControlAvailable": False}
}
ALONE: Final = {"Swarm": {"LocalNodeState": "inactive"}}


class _Server(asyncssh.SSHServer):
    """Lets the test's key in; `info` is what its engine says of itself, None hangs once somebody asks it."""

    def __init__(self, info: dict[str, Any] | None, over: asyncio.Event) -> None:
        self._info = info
        self._over = over

    def begin_auth(self, username: str) -> bool:  # noqa: ARG002 - asyncssh's interface
        return True

    def public_key_auth_supported(self) -> bool:
        return True

    def validate_public_key(self, username: str, key: asyncssh.SSHKey) -> bool:  # noqa: ARG002 - as above
        return key.public_data == USER_KEY.public_data

    def unix_connection_requested(self, dest_path: str) -> Any:
        return self._engine if dest_path == "/var/run/docker.sock" else False

    async def _engine(self, reader: Reader, writer: Writer) -> None:
        while head := await _head(reader):
            if self._info is None:
                await self._over.wait()
                return
            told = self._info if b"/info" in head else [] if b"/json" in head else VERSION
            body = json.dumps(told).encode()
            writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%s" % (len(body), body))
        writer.close()


async def _head(reader: Reader) -> bytes:
    try:
        return await reader.readuntil(b"\r\n\r\n")
    except (asyncio.IncompleteReadError, asyncssh.Error):
        return b""


def _programs_of_root() -> tempfile.TemporaryDirectory[str]:
    """An `id` that says root: who runs the tests may be anybody."""
    folder = tempfile.TemporaryDirectory()
    program = Path(folder.name, "id")
    program.write_text('#!/bin/sh\n[ "$*" = -u ] && echo 0 && exit\nexec /usr/bin/id "$@"\n', "utf-8")
    program.chmod(0o755)
    return folder


@contextlib.asynccontextmanager
async def engines(*infos: dict[str, Any] | None, commands: bool = False) -> AsyncIterator[list[int]]:
    """A server for each, on a port of the loopback; the ports in that order. With `commands` they run some, as sshd does, for root."""
    over = asyncio.Event()
    programs = _programs_of_root()
    started = [
        await asyncssh.listen(
            "127.0.0.1",
            0,
            server_factory=lambda info=info: _Server(info, over),
            server_host_keys=[HOST_KEY],
            encoding=None,
            process_factory=partial(by_shell, path=programs.name) if commands else None,
        )
        for info in infos
    ]
    try:
        yield [server.sockets[0].getsockname()[1] for server in started]
    finally:
        over.set()
        for server in started:
            server.close()
        await asyncio.gather(*(server.wait_closed() for server in started))
        programs.cleanup()


@contextlib.contextmanager
def served(*infos: dict[str, Any] | None, commands: bool = False) -> Iterator[list[int]]:
    """The same from a loop in a thread, for what has a loop of its own or is another process."""
    started, over = threading.Event(), asyncio.Event()
    place: list[Any] = []

    async def serve() -> None:
        async with engines(*infos, commands=commands) as ports:
            place.extend((ports, asyncio.get_running_loop()))
            started.set()
            await over.wait()

    thread = threading.Thread(target=lambda: asyncio.run(serve()))
    thread.start()
    assert started.wait(GENEROUS)
    try:
        yield place[0]
    finally:
        place[1].call_soon_threadsafe(over.set)
        thread.join(GENEROUS)


@contextlib.contextmanager
def mute() -> Any:
    """A port that accepts and says nothing."""
    with socket.create_server(("127.0.0.1", 0), backlog=64) as listener:
        yield listener.getsockname()[1]


def closed() -> int:
    """A port at which nobody listens any more."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port: int = listener.getsockname()[1]
    return port
