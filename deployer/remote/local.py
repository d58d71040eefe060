"""The machine that deployer itself runs on: `address: local`."""

from __future__ import annotations

import asyncio
import os
from typing import TYPE_CHECKING

from deployer.errors import TimedOutError
from deployer.model.command import Completed
from deployer.remote.connection import ConnectionFailedError, Place, TcpPort, UnixSocket
from deployer.remote.output import collect

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from deployer.model.command import Command
    from deployer.remote.connection import Stream


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


class LocalConnection:
    """Commands are child processes, sockets are this machine's own.

    `sockets` says where a socket is that is not at its usual place; DOCKER_HOST does so for the engine's (see link.py).
    """

    def __init__(self, sockets: Mapping[str, str] | None = None) -> None:
        self._sockets = dict(sockets or {})

    async def run(self, command: Command, on_line: Callable[[str], None] | None = None) -> Completed:
        argv = command.argv
        if command.root and os.geteuid() != 0:
            argv = ("sudo", "-n", "--", *argv)
        try:
            process = await asyncio.create_subprocess_exec(
                *argv, stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE
            )
        except OSError as error:
            return Completed(127, "", f"{argv[0]}: {error.strerror}")
        assert process.stdin and process.stdout and process.stderr  # noqa: S101, PT018 - all three are pipes
        try:
            async with asyncio.timeout(command.timeout):
                process.stdin.write(command.stdin)
                process.stdin.close()
                stdout, stderr = await asyncio.gather(
                    collect(process.stdout, on_line), collect(process.stderr, on_line)
                )
                return Completed(await process.wait(), stdout, stderr)
        except TimeoutError:
            raise TimedOutError(f"`{argv[0]}` took longer than {command.timeout:g} s") from None
        finally:
            if process.returncode is None:
                process.kill()
                await process.wait()

    async def open(self, place: Place) -> Stream:
        try:
            match place:
                case UnixSocket(path):
                    return _LocalStream(*await asyncio.open_unix_connection(self._sockets.get(path, path)))
                case TcpPort(host, port):
                    return _LocalStream(*await asyncio.open_connection(host, port))
        except OSError as error:
            raise ConnectionFailedError(f"{place}: {error.strerror or error}") from None

    async def close(self) -> None:
        pass
