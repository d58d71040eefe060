"""A machine's socket, brought here: streams lead to a real socket, by way of a connection."""

from __future__ import annotations

import asyncio
import contextlib
from pathlib import Path

from deployer.remote import UnixSocket
from deployer.remote.local import LocalConnection
from deployer.remote.relay import relayed
from tests.fakes import run


async def ask(path: str, question: bytes) -> bytes:
    reader, writer = await asyncio.open_unix_connection(path)
    answer = b""
    with contextlib.suppress(ConnectionResetError, BrokenPipeError):
        writer.write(question)
        await writer.drain()
        answer = await asyncio.wait_for(reader.read(-1), 5)
    await closed(writer)
    return answer


async def closed(writer: asyncio.StreamWriter) -> None:
    writer.close()
    with contextlib.suppress(ConnectionResetError, BrokenPipeError):
        await writer.wait_closed()


async def echo(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    while data := await reader.read(1000):
        writer.write(data.upper())
        if data.endswith(b"!"):
            break
    await closed(writer)


def test_streams_lead_there_and_back_and_nothing_stays(tmp_path: Path) -> None:
    there = tmp_path / "engine.sock"

    async def use() -> str:
        server = await asyncio.start_unix_server(echo, there)
        async with server, relayed(LocalConnection({}), UnixSocket(str(there))) as path:
            assert Path(path).parent.stat().st_mode & 0o077 == 0
            answers = await asyncio.gather(*(ask(path, b"hello %d!" % number) for number in range(5)))
            assert answers == [b"HELLO %d!" % number for number in range(5)]
            _, idle = await asyncio.open_unix_connection(path)  # a client that never says anything
            await closed(idle)
        await asyncio.sleep(0.05)  # for the other end to see that nobody is there any more
        return path

    path = run(use())
    assert not Path(path).parent.exists()


def test_a_machine_where_nothing_listens_ends_the_stream(tmp_path: Path) -> None:
    async def use() -> bytes:
        async with relayed(LocalConnection({}), UnixSocket(str(tmp_path / "nothing"))) as path:
            return await ask(path, b"hello!")

    assert run(use()) == b""
