"""Engines made to listen for TLS, and to stop it: certificates made here, the key sent by standard input, the end proven by a handshake."""

from __future__ import annotations

import asyncio
import base64
import ssl
from typing import TYPE_CHECKING, Final

from deployer.certificates import store
from deployer.certificates.handshake import NotTrustedError, prove, strict_context
from deployer.certificates.store import client_folder, server_files
from deployer.errors import DeployerError
from deployer.execute.restart import engine_back
from deployer.execute.script import read_script, run_script
from deployer.model.tls import PORT, STOCK
from deployer.plan.maintenance import RestartMachine
from deployer.plan.tls import FinishAuthority, ListenTls, NewAuthority, StopTls
from deployer.remote.clock import read_clock
from deployer.remote.connection import TcpPort

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from deployer.execute.world import World
    from deployer.plan.tls import TlsOperation


RESTART_SECONDS: Final = 180.0
DIRECT_SECONDS: Final = 5.0


async def perform(operation: TlsOperation, world: World, tell: Callable[[str], None]) -> str:
    """Do it; a few words on the result. Raises DeployerError with the reason where it cannot be done."""
    match operation:
        case ListenTls():
            done = await listen_tls(world, operation, tell)
        case StopTls():
            done = await stop_tls(world, operation, tell)
        case NewAuthority() | FinishAuthority():
            done = await change_authority(operation)
    return done


async def listen_tls(world: World, operation: ListenTls, tell: Callable[[str], None]) -> str:
    """Have the engine listen for TLS, and prove it. Raises NotTrustedError where its certificate is not what this user trusts."""
    cluster, address = world.link.cluster.name, world.link.cluster.node(operation.node).address
    files = await asyncio.to_thread(server_files, cluster, operation.names)
    folder = await asyncio.to_thread(client_folder, cluster)
    told = {"trusted": files.trusted, "certificate": files.certificate, "key": files.key.reveal()}
    lines = [f"{name}={base64.b64encode(text.encode()).decode()}" for name, text in told.items()]
    await _restart(world, operation.node, "\n".join([*lines, ""]).encode(), ("on", operation.arguments), tell)
    await _prove(world, operation.node, folder, address)
    return await _try_from_here(folder, address)


async def stop_tls(world: World, operation: StopTls, tell: Callable[[str], None]) -> str:
    await _restart(world, operation.node, b"", ("off",), tell)
    return ""


async def change_authority(operation: NewAuthority | FinishAuthority) -> str:
    change = store.new_authority if isinstance(operation, NewAuthority) else store.finish
    await asyncio.to_thread(change, operation.cluster)
    return ""


async def _restart(
    world: World, node: str, lines: bytes, arguments: tuple[str, ...], tell: Callable[[str], None]
) -> None:
    text = lines + STOCK.encode() + read_script("tls.sh")
    began = read_clock()
    connection = await world.link.to(node)
    await run_script(connection, text, arguments, "the restart of its engine", RESTART_SECONDS, tell)
    await engine_back(world, RestartMachine(node, "engine", RESTART_SECONDS), began, tell)


async def _prove(world: World, node: str, folder: Path, address: str) -> None:
    """Through SSH, so that no firewall and no other machine comes in between."""
    stream = await (await world.link.to(node)).open(TcpPort("127.0.0.1", PORT))
    try:
        await prove(stream, strict_context(folder), address)
    finally:
        stream.close()


class _Direct:
    """A connection from here as a stream."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader, self._writer = reader, writer

    async def read(self, limit: int) -> bytes:
        return await self._reader.read(limit)

    async def write(self, data: bytes) -> None:
        self._writer.write(data)
        await self._writer.drain()

    def close(self) -> None:
        self._writer.close()


async def _try_from_here(folder: Path, address: str) -> str:
    """Whether docker, which does without SSH then, gets there from here as well."""
    url = f"{address}:{PORT}"
    try:
        async with asyncio.timeout(DIRECT_SECONDS):
            stream = _Direct(*await asyncio.open_connection(address, PORT))
            try:
                await prove(stream, strict_context(folder), address)
            finally:
                stream.close()
    except (OSError, TimeoutError, NotTrustedError, ssl.SSLError) as error:
        reason = error.message if isinstance(error, DeployerError) else str(error) or "no answer"
        return f"it serves; from here {url} is not to be reached: {reason}"
    return f"docker gets in at {url}"
