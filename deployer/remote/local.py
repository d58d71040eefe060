"""The machine that deployer itself runs on: `address: local`."""

from __future__ import annotations

import asyncio
import contextlib
import math
import os
import signal
from typing import TYPE_CHECKING, Final

from deployer.errors import TimedOutError
from deployer.model.command import Completed
from deployer.remote.connection import ConnectionFailedError, Place, TcpPort, UnixSocket
from deployer.remote.output import collect
from deployer.remote.sudo import Granted
from deployer.remote.together import together

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from deployer.model.command import Command
    from deployer.remote.connection import Stream
    from deployer.remote.sudo import Sudo

KILL_SECONDS: Final = 5.0
"""How long a killed command may take to be gone; one of root's is ended by its own `timeout`, not by us."""


class _LocalStream:
    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader = reader
        self._writer = writer

    async def read(self, limit: int) -> bytes:
        return await self._reader.read(limit)

    async def write(self, data: bytes) -> None:
        self._writer.write(data)
        await self._writer.drain()

    def close(self) -> None:
        self._writer.close()

    @property
    def closing(self) -> bool:
        return self._writer.is_closing()

    async def closed(self) -> None:
        self._writer.close()
        with contextlib.suppress(OSError):  # the other side was faster
            await self._writer.wait_closed()


class LocalConnection:
    """Commands are child processes, sockets are this machine's own.

    `sockets` says where a socket is that is not at its usual place; DOCKER_HOST does so for the engine's (see link.py).
    """

    def __init__(self, sockets: Mapping[str, str] | None = None, sudo: Sudo | None = None) -> None:
        """`sudo`: None where nothing of root's is asked of it."""
        self._sockets = dict(sockets or {})
        self._sudo = sudo
        self._streams: list[_LocalStream] = []

    async def run(self, command: Command, on_line: Callable[[str], None] | None = None) -> Completed:
        argv, stdin = command.argv, command.stdin
        if command.root and os.geteuid() != 0:
            granted = await self._sudo.granted(self.run) if self._sudo else Granted()
            # A process of root's cannot be killed by us: `timeout` does it.
            argv = granted.argv(("timeout", "-k", "5", str(math.ceil(command.timeout)), *argv))
            stdin = granted.stdin(stdin)
        try:
            # A session of its own: Ctrl-C on the terminal is for us, and what it starts can be killed with it.
            process = await asyncio.create_subprocess_exec(
                *argv,
                stdin=asyncio.subprocess.PIPE,
                stdout=asyncio.subprocess.PIPE,
                stderr=asyncio.subprocess.PIPE,
                start_new_session=True,
            )
        except OSError as error:
            return Completed(127, "", f"{argv[0]}: {error.strerror}")
        assert process.stdin  # all three are pipes
        assert process.stdout
        assert process.stderr
        try:
            async with asyncio.timeout(command.timeout):
                process.stdin.write(stdin)
                process.stdin.close()
                async with together() as group:
                    stdout = group.create_task(collect(process.stdout, on_line))
                    stderr = group.create_task(collect(process.stderr, on_line))
                return Completed(await process.wait(), stdout.result(), stderr.result())
        except TimeoutError:
            raise TimedOutError(f"`{command.argv[0]}` took longer than {command.timeout:g} s") from None
        finally:
            await _end(process)

    async def open(self, place: Place) -> Stream:
        try:
            match place:
                case UnixSocket(path):
                    where = self._sockets.get(path, path)
                    stream = _LocalStream(*await asyncio.open_unix_connection(where))
                case TcpPort(host, port):
                    where = f"port {port} of {host}"
                    stream = _LocalStream(*await asyncio.open_connection(host, port))
        except OSError as error:
            raise ConnectionFailedError(f"{where}: {error.strerror or error}") from None
        self._streams = [*(kept for kept in self._streams if not kept.closing), stream]
        return stream

    async def close(self) -> None:
        """Close every stream that was opened here, as the end of an SSH connection does."""
        await asyncio.gather(*(stream.closed() for stream in self._streams))
        self._streams.clear()


async def _end(process: asyncio.subprocess.Process) -> None:
    """Kill the command with everything that it started, if it is still there."""
    if process.returncode is None:
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(process.pid, signal.SIGKILL)
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(process.wait(), KILL_SECONDS)
