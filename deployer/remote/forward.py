"""A socket of another machine as one of this machine: for Docker's own programs, which open sockets by themselves."""

from __future__ import annotations

import asyncio
import contextlib
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Final

from deployer.errors import DeployerError

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from deployer.remote.connection import Connection, Place, Stream

_CHUNK: Final = 1 << 16


@contextlib.asynccontextmanager
async def forwarded(connection: Connection, place: Place) -> AsyncIterator[str]:
    """The path of a unix socket that leads to `place`, as seen from the machine; in a folder that nobody else may enter.

    It is gone afterwards, and so is every stream through it. A stream that cannot be opened ends at once.
    """
    serving: set[asyncio.Task[None]] = set()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        serving.add(task)
        task.add_done_callback(serving.discard)
        # Cancelled only by the end below: whatever asyncio's own callback would say of that, nobody needs to hear.
        with contextlib.suppress(DeployerError, OSError, asyncio.CancelledError):
            stream = await connection.open(place)
            try:
                await _both_ways(reader, writer, stream)
            finally:
                stream.close()
        writer.close()

    with tempfile.TemporaryDirectory(prefix="deployer-") as folder:
        path = str(Path(folder, "s"))
        server = await asyncio.start_unix_server(serve, path)
        try:
            yield path
        finally:
            server.close()
            for task in list(serving):
                task.cancel()
            await asyncio.gather(*serving, return_exceptions=True)


async def _both_ways(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, stream: Stream) -> None:
    """Until one of the two ends; what was read before is delivered."""

    async def out() -> None:
        while data := await reader.read(_CHUNK):
            await stream.write(data)

    async def back() -> None:
        while data := await stream.read(_CHUNK):
            writer.write(data)
            await writer.drain()

    ways = [asyncio.ensure_future(out()), asyncio.ensure_future(back())]
    try:
        await asyncio.wait(ways, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for way in ways:
            way.cancel()
        await asyncio.gather(*ways, return_exceptions=True)
