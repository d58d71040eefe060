"""An engine that is made to listen for TLS: how its key gets there, and that a handshake proves it. The machine serves with what it got."""

from __future__ import annotations

import asyncio
import base64
import re
import socket
import ssl
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pytest

from deployer.certificates.place import place as folder_of
from deployer.certificates.place import trusted
from deployer.execute import restart, tls
from deployer.model.command import Completed
from deployer.model.tls import listening
from deployer.plan.outcome import Done, Failed
from deployer.plan.tls import FinishAuthority, ListenTls, NewAuthority, StopTls
from deployer.remote.connection import TcpPort
from tests.execute.plans import plan, play
from tests.fakes import FakeConnection, run

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from deployer.model.command import Command
    from deployer.remote import Place

NAMES = ("m1", "127.0.0.1", "localhost")
LISTEN = ListenTls("m1", NAMES, listening("127.0.0.1"))


@dataclass
class Secured(FakeConnection):
    """Its engine is a TLS server from the moment that the script has run; `posing` serves with another key and certificate."""

    folder: Any = None
    posing: Any = None
    server: Any = None

    async def run(self, command: Command, on_line: Any = None) -> Completed:  # noqa: ARG002 - the interface
        self.commands.append(command)
        told = dict(re.findall("^(trusted|certificate|key)=(.*)$", command.stdin.decode(), re.MULTILINE))
        for name, text in told.items():
            (self.folder / name).write_bytes(base64.b64decode(text))
        context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH, cafile=str(self.folder / "trusted"))
        context.verify_mode = ssl.CERT_REQUIRED
        own = self.posing or self.folder
        context.load_cert_chain(own / "certificate", own / "key")
        self.server = await asyncio.start_server(self.serve, "127.0.0.1", 0, ssl=context)
        return Completed(0, "", "")

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nOK")
        await writer.drain()
        writer.close()

    async def open(self, place: Place) -> Any:
        if not isinstance(place, TcpPort):
            return await super().open(place)
        assert place.host == "127.0.0.1"
        return tls._Direct(*await asyncio.open_connection(*self.server.sockets[0].getsockname()))

    async def close(self) -> None:
        if self.server:
            self.server.close()


@pytest.fixture(autouse=True)
def data(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "data"))
    monkeypatch.setattr(restart, "POLL_SECONDS", 0.001)
    (tmp_path / "served").mkdir()
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))  # and does not listen: what is tried from here finds nobody
        monkeypatch.setattr("deployer.execute.tls.PORT", taken.getsockname()[1])
        yield tmp_path / "served"


def test_the_key_goes_by_standard_input_and_the_handshake_is_made(data: Path) -> None:
    machine = Secured(folder=data)
    outcome = play(plan(LISTEN), {"m1": machine}, run=run).outcomes[1]
    assert isinstance(outcome, Done), outcome
    assert outcome.detail.startswith("it serves; from here 127.0.0.1:")
    assert " is not to be reached: " in outcome.detail
    (command,) = machine.commands
    assert command.argv == ("sh", "-s", "on", LISTEN.arguments)
    assert command.root
    assert "PRIVATE KEY" in (data / "key").read_text("utf-8")
    assert "PRIVATE KEY" not in f"{command} {outcome}"
    assert base64.b64encode((data / "key").read_bytes()).decode() not in f"{command} {outcome}"
    assert (data / "trusted").read_bytes() == (folder_of("test") / "ca.pem").read_bytes()


def test_a_machine_that_serves_with_anything_else_has_failed(data: Path, tmp_path: Path) -> None:
    assert isinstance(play(plan(LISTEN), {"m1": Secured(folder=data)}, run=run).outcomes[1], Done)
    (folder_of("test") / "authority.pem").rename(tmp_path / "away")
    for path in folder_of("test").iterdir():
        path.unlink()
    (tmp_path / "fresh").mkdir()
    outcome = play(plan(LISTEN), {"m1": Secured(folder=tmp_path / "fresh", posing=data)}, run=run).outcomes[1]
    assert isinstance(outcome, Failed)
    assert outcome.reason.startswith("no TLS with it as 127.0.0.1: ")


def test_an_engine_that_does_not_start_with_it_has_failed() -> None:
    machine = FakeConnection(outputs={"sh": Completed(1, "", "the engine did not start with it; it runs as before\n")})
    outcome = play(plan(LISTEN), {"m1": machine}, run=run).outcomes[1]
    assert isinstance(outcome, Failed)
    assert outcome.reason.endswith("the engine did not start with it; it runs as before")


def test_taken_back() -> None:
    machine = FakeConnection(outputs={"sh": Completed(0, "", "")})
    assert isinstance(play(plan(StopTls("m1")), {"m1": machine}, run=run).outcomes[1], Done)
    assert machine.commands[0].argv == ("sh", "-s", "off")
    assert trusted("test") == ()


def test_an_authority_is_changed_here(data: Path) -> None:
    machine = Secured(folder=data)
    play(plan(LISTEN), {"m1": machine}, run=run)
    first = trusted("test")
    play(plan(NewAuthority("m1", "test")), {"m1": machine}, run=run)
    assert trusted("test")[1:] == first
    play(plan(FinishAuthority("m1", "test")), {"m1": machine}, run=run)
    assert len(trusted("test")) == 1
    assert trusted("test") != first
