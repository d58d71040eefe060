"""A machine's socket brought to this one: for programs that know sockets, and not our connections."""

from __future__ import annotations

import asyncio
import contextlib
import shutil
import tempfile
from contextlib import asynccontextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Final

from deployer.errors import DeployerError
from deployer.remote.folder import folder_in_memory

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from deployer.remote.connection import Connection, Place, Stream

CHUNK: Final = 1 << 16


@asynccontextmanager
async def relayed(connection: Connection, place: Place) -> AsyncIterator[str]:
    """The path of a unix socket of this machine, each of whose streams leads to `place` on that one.

    It lies in a folder of this user's alone, and is gone at the end (FAULTS.md, S-14).
    """
    folder = tempfile.mkdtemp(prefix="deployer-", dir=folder_in_memory())
    path = str(Path(folder, "s"))
    tasks: set[asyncio.Task[None]] = set()

    def carry(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.create_task(_carry(connection, place, reader, writer))
        tasks.add(task)
        task.add_done_callback(tasks.discard)

    try:
        server = await asyncio.start_unix_server(carry, path)
        async with server:
            yield path
    finally:
        for task in tuple(tasks):
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        shutil.rmtree(folder, ignore_errors=True)


async def _carry(
    connection: Connection, place: Place, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
) -> None:
    """Bytes both ways until that side has said all. Where it cannot be reached the stream ends, as a dead engine's does."""
    try:
        with contextlib.suppress(DeployerError, OSError):
            stream = await connection.open(place)
            try:
                await _both_ways(stream, reader, writer)
            finally:
                stream.close()
    finally:
        writer.close()


async def _both_ways(stream: Stream, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    async def there() -> None:
        while data := await reader.read(CHUNK):
            await stream.write(data)

    sending = asyncio.ensure_future(there())
    try:
        while data := await stream.read(CHUNK):
            writer.write(data)
            await writer.drain()
    finally:
        sending.cancel()
        await asyncio.gather(sending, return_exceptions=True)
