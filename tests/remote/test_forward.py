"""A socket elsewhere as one here."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import TYPE_CHECKING

from deployer.remote import UnixSocket
from deployer.remote.forward import forwarded
from deployer.remote.local import LocalConnection
from tests.fakes import run

if TYPE_CHECKING:
    import pytest


async def _echo(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    while data := await reader.read(1 << 16):
        writer.write(data.upper())
        await writer.drain()
    writer.close()


def test_bytes_go_both_ways_and_nothing_is_left(tmp_path: Path) -> None:
    there = str(tmp_path / "there")
    connection = LocalConnection()

    async def scenario() -> tuple[bytes, int, str]:
        async with await asyncio.start_unix_server(_echo, there):
            async with forwarded(connection, UnixSocket(there)) as path:
                mode = Path(path).parent.stat().st_mode & 0o777
                reader, writer = await asyncio.open_unix_connection(path)
                writer.write(b"x" * 300_000)
                told = await reader.readexactly(300_000)
                other, another = await asyncio.open_unix_connection(path)  # left open
                another.write(b"y")
                assert await other.readexactly(1) == b"Y"
            assert await other.read() == b""
            for one in (writer, another):
                one.close()
        await connection.close()
        return told, mode, path

    told, mode, path = run(scenario())
    assert (told, mode, Path(path).parent.exists()) == (b"X" * 300_000, 0o700, False)


def test_what_cannot_be_opened_there_ends_here(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    async def scenario() -> bytes:
        async with forwarded(LocalConnection(), UnixSocket(str(tmp_path / "nothing"))) as path:
            reader, writer = await asyncio.open_unix_connection(path)
            told = await reader.read()
            writer.close()
            return told

    assert run(scenario()) == b""
    assert capsys.readouterr().err == ""
