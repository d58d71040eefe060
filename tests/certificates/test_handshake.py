"""Real handshakes on the loopback, both sides with OpenSSL's strict checks: who is believed, and who is not, also between two authorities."""

from __future__ import annotations

import asyncio
import shutil
import ssl
from typing import TYPE_CHECKING

import pytest

from deployer.certificates import store
from deployer.certificates.handshake import NotTrustedError, prove, strict_context
from deployer.certificates.place import place
from tests.fakes import run

if TYPE_CHECKING:
    from pathlib import Path

    from deployer.certificates.store import ServerFiles

NAMES = ("m1", "192.0.2.7", "2001:db8::7", "localhost", "127.0.0.1")


@pytest.fixture(autouse=True)
def data(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "data"))
    return tmp_path


def listening(files: ServerFiles, folder: Path) -> ssl.SSLContext:
    """As dockerd with --tlsverify: nobody without a certificate."""
    folder.mkdir(exist_ok=True)
    for name, text in {"ca": files.trusted, "cert": files.certificate, "key": files.key.reveal()}.items():
        (folder / name).write_text(text, "utf-8")
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH, cafile=str(folder / "ca"))
    context.verify_mode = ssl.CERT_REQUIRED
    context.verify_flags |= ssl.VERIFY_X509_STRICT
    context.load_cert_chain(folder / "cert", folder / "key")
    return context


class Streams:
    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader, self.writer = reader, writer

    async def read(self, limit: int) -> bytes:
        return await self.reader.read(limit)

    async def write(self, data: bytes) -> None:
        self.writer.write(data)
        await self.writer.drain()

    def close(self) -> None:
        self.writer.close()


def asked(
    server: ssl.SSLContext, client: ssl.SSLContext, name: str = "m1", answer: bytes = b"HTTP/1.1 200 OK\r\n\r\nOK"
) -> None:
    """Whatever `prove` raises."""

    async def scenario() -> None:
        async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            await reader.readuntil(b"\r\n\r\n")
            writer.write(answer)
            await writer.drain()
            writer.close()

        asyncio.get_running_loop().set_exception_handler(lambda *_: None)  # refused handshakes are the point here
        listener = await asyncio.start_server(serve, "127.0.0.1", 0, ssl=server)
        stream = Streams(*await asyncio.open_connection(*listener.sockets[0].getsockname()))
        try:
            await prove(stream, client, name)
        finally:
            stream.close()
            listener.close()

    run(scenario())


@pytest.mark.parametrize("name", NAMES)
def test_a_machine_is_believed_under_each_of_its_names(data: Path, name: str) -> None:
    server = listening(store.server_files("c", NAMES), data / "server")
    asked(server, strict_context(store.client_folder("c")), name)


@pytest.mark.parametrize("name", ["m2", "192.0.2.8"])
def test_and_under_no_other(data: Path, name: str) -> None:
    server = listening(store.server_files("c", NAMES), data / "server")
    with pytest.raises(NotTrustedError, match=r"mismatch|not valid for|doesn't match"):
        asked(server, strict_context(store.client_folder("c")), name)


def test_another_clusters_client_is_refused_by_either_side(data: Path) -> None:
    server = listening(store.server_files("c", NAMES), data / "server")
    store.server_files("other", NAMES)
    with pytest.raises(NotTrustedError, match=r"self-signed certificate|unable to get"):
        asked(server, strict_context(store.client_folder("other")))
    stranger = strict_context(store.client_folder("other"))
    stranger.load_verify_locations(place("c") / "ca.pem")
    with pytest.raises((NotTrustedError, ConnectionError)):
        asked(server, stranger)


def test_a_client_without_a_certificate_is_refused(data: Path) -> None:
    server = listening(store.server_files("c", NAMES), data / "server")
    bare = ssl.create_default_context(cafile=str(store.client_folder("c") / "ca.pem"))
    with pytest.raises((NotTrustedError, ConnectionError)):
        asked(server, bare)


def test_a_machines_certificate_is_no_clients(data: Path) -> None:
    files = store.server_files("c", NAMES)
    server = listening(files, data / "server")
    posing = ssl.create_default_context(cafile=str(place("c") / "ca.pem"))
    posing.load_cert_chain(data / "server/cert", data / "server/key")
    with pytest.raises((NotTrustedError, ConnectionError)):
        asked(server, posing)


def test_what_is_no_engine_is_named(data: Path) -> None:
    server = listening(store.server_files("c", NAMES), data / "server")
    with pytest.raises(NotTrustedError, match="is no engine"):
        asked(server, strict_context(store.client_folder("c")), answer=b"HTTP/1.1 503 no\r\n\r\n")


def test_while_the_authority_changes_old_and_new_believe_each_other(data: Path) -> None:
    """Machines and clients get theirs one after the other, in any order."""
    old_server = listening(store.server_files("c", NAMES), data / "old")
    shutil.copytree(store.client_folder("c"), data / "earlier")
    store.new_authority("c")
    new_server = listening(store.server_files("c", NAMES), data / "new")
    new_client, old_client = strict_context(store.client_folder("c")), strict_context(data / "earlier")
    for server in (old_server, new_server):
        for client in (old_client, new_client):
            asked(server, client)


def test_once_it_is_finished_nobody_believes_the_old_one(data: Path) -> None:
    old_server = listening(store.server_files("c", NAMES), data / "old")
    shutil.copytree(store.client_folder("c"), data / "earlier")
    store.new_authority("c")
    during = listening(store.server_files("c", NAMES), data / "during")
    store.finish("c")
    server, client = listening(store.server_files("c", NAMES), data / "new"), strict_context(store.client_folder("c"))
    asked(server, client)
    asked(during, client)  # a machine that `finish` has not come to yet
    with pytest.raises((NotTrustedError, ConnectionError)):
        asked(server, strict_context(data / "earlier"))
    with pytest.raises(NotTrustedError):
        asked(old_server, client)
