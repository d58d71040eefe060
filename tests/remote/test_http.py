"""HTTP over a stream, against a server that does what the test says."""

from __future__ import annotations

import asyncio
import contextlib
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import pytest

from deployer.errors import TimedOutError
from deployer.remote import ConnectionFailedError, UnixSocket, http
from deployer.remote.http import HttpClient, Response
from deployer.remote.local import LocalConnection
from tests.fakes import run
from tests.waiting import GENEROUS, wait_until_async

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
    from pathlib import Path

    Answer = Callable[[str, int, asyncio.StreamWriter], Awaitable[None]]

OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi"


@dataclass
class Server:
    """What came: the request lines with the number of the connection that each came over."""

    requests: list[tuple[int, str]] = field(default_factory=list)
    bodies: list[bytes] = field(default_factory=list)
    heads: list[str] = field(default_factory=list)
    connections: int = 0
    open: int = 0


async def read_request(reader: asyncio.StreamReader) -> tuple[str, bytes]:
    head = (await reader.readuntil(b"\r\n\r\n")).decode()
    length = next((int(line[16:]) for line in head.split("\r\n") if line.lower().startswith("content-length: ")), 0)
    return head, await reader.readexactly(length)


@contextlib.asynccontextmanager
async def serving(directory: Path, answer: Answer) -> AsyncIterator[tuple[Server, HttpClient]]:
    """`answer` gets the request line, how many requests came before on this connection, and writes what it likes."""
    server = Server()

    async def handle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        server.connections += 1
        server.open += 1
        number, count = server.connections, 0
        with contextlib.suppress(asyncio.IncompleteReadError, ConnectionError):
            while not writer.is_closing():
                head, body = await read_request(reader)
                server.requests.append((number, head.partition(" HTTP")[0]))
                server.heads.append(head)
                server.bodies.append(body)
                await answer(head.partition(" HTTP")[0], count, writer)
                count += 1
        server.open -= 1
        writer.close()

    connection = LocalConnection()
    async with await asyncio.start_unix_server(handle, directory / "s"):
        client = HttpClient(lambda: connection.open(UnixSocket(str(directory / "s"))), "engine")
        try:
            yield server, client
        finally:
            client.close()
            await connection.close()
            await wait_until_async(lambda: not server.open, "the end of the handlers", saw=lambda: server.open)


def always(data: bytes, *, close: bool = False) -> Answer:
    async def answer(_: str, __: int, writer: asyncio.StreamWriter) -> None:
        writer.write(data)
        if close:
            writer.close()

    return answer


def test_a_request_and_its_answer(tmp_path: Path) -> None:
    async def scenario() -> None:
        data = b'HTTP/1.1 201 Created\r\nX-Thing: A\r\nx-thing-2: b\r\nContent-Length: 7\r\n\r\n{"a":1}'
        async with serving(tmp_path, always(data)) as (server, client):
            response = await client.request("POST", "/x?y=1", b"{}", headers={"X-Token": "t"})
            assert response == Response(201, {"x-thing": "A", "x-thing-2": "b", "content-length": "7"}, b'{"a":1}')
            assert server.requests == [(1, "POST /x?y=1")]
            assert server.bodies == [b"{}"]
            sent = server.heads[0].lower().split("\r\n")
            assert {"host: engine", "content-length: 2", "content-type: application/json", "x-token: t"} <= set(sent)

    run(scenario())


def test_the_stream_is_kept_and_used_again(tmp_path: Path) -> None:
    async def scenario() -> None:
        async with serving(tmp_path, always(OK)) as (server, client):
            for _ in range(5):
                assert (await client.request("GET", "/")).body == b"hi"
            assert server.connections == 1
            client.close()
            await client.request("GET", "/")
            assert server.connections == 2

    run(scenario())


def test_chunked_answers(tmp_path: Path) -> None:
    data = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n10;x=y\r\n0123456789abcdef\r\n0\r\n\r\n"

    async def scenario() -> None:
        async with serving(tmp_path, always(data)) as (server, client):
            for _ in range(2):
                assert (await client.request("GET", "/")).body == b"abc0123456789abcdef"
            assert server.connections == 1

    run(scenario())


@pytest.mark.parametrize(
    "data",
    [b"HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 2\r\n\r\nhi", b"HTTP/1.0 200 OK\r\n\r\nhi"],
    ids=["Connection: close", "HTTP/1.0"],
)
def test_an_answer_after_which_the_server_closes(data: bytes, tmp_path: Path) -> None:
    async def scenario() -> None:
        async with serving(tmp_path, always(data, close=True)) as (server, client):
            for _ in range(2):
                assert (await client.request("POST", "/")).body == b"hi"
            assert server.connections == 2

    run(scenario())


def only_once_a_connection() -> Answer:
    """A server that closes kept streams without a word, as an engine does that restarts."""

    async def answer(_: str, before: int, writer: asyncio.StreamWriter) -> None:
        if not before:
            writer.write(OK)
        else:
            writer.close()

    return answer


def test_reading_again_is_tried_when_a_kept_stream_was_closed(tmp_path: Path) -> None:
    async def scenario() -> None:
        async with serving(tmp_path, only_once_a_connection()) as (server, client):
            await client.request("GET", "/1")
            assert (await client.request("GET", "/2")).body == b"hi"
            assert server.requests == [(1, "GET /1"), (1, "GET /2"), (2, "GET /2")]

    run(scenario())


@pytest.mark.parametrize("method", ["POST", "DELETE", "PUT"])
def test_writing_is_not_tried_twice(method: str, tmp_path: Path) -> None:
    """It may have been done before the stream closed."""

    async def scenario() -> None:
        async with serving(tmp_path, only_once_a_connection()) as (server, client):
            await client.request("GET", "/1")
            with pytest.raises(ConnectionFailedError):
                await client.request(method, "/2")
            assert server.requests == [(1, "GET /1"), (1, f"{method} /2")]

    run(scenario())


def test_reading_is_tried_only_as_long_as_there_are_kept_streams(tmp_path: Path) -> None:
    async def scenario() -> None:
        async with serving(tmp_path, always(b"", close=True)) as (server, client):
            with pytest.raises(ConnectionFailedError):
                await client.request("GET", "/")
            assert server.connections == 1

    run(scenario())


@pytest.mark.parametrize(
    "data",
    [
        b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhalf",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nab",
        b"HTTP/1.1 200 OK\r\nConte",
        b"SSH-2.0-OpenSSH_9.2\r\n",
        b"\x00\x01\x02\x03\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: nonsense\r\n\r\n",
        b"HTTP/1.1 200 OK\r\n" + b"X: y\r\n" * 20000,
    ],
    ids=["short body", "short chunk", "short head", "ssh", "binary", "bad length", "endless head"],
)
def test_what_is_no_answer(data: bytes, tmp_path: Path) -> None:
    async def scenario() -> None:
        async with serving(tmp_path, always(data, close=True)) as (_, client):
            with pytest.raises(ConnectionFailedError) as caught:
                await client.request("GET", "/")
            assert "\n" not in caught.value.message
            with pytest.raises(ConnectionFailedError):
                await collect(client)

    run(scenario())


def test_an_answer_without_end_is_not_read_to_its_end(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(http, "BODY_LIMIT", 100_000)
    data = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n" + b"10000\r\n%s\r\n" % (b"x" * 65536) * 10

    async def scenario() -> None:
        async with serving(tmp_path, always(data)) as (server, client):
            with pytest.raises(ConnectionFailedError, match=r"^the answer to /big is larger than 100000 bytes$"):
                await client.request("GET", "/big?token=x")
            assert server.connections == 1

    run(scenario())


def test_an_answer_that_does_not_come_is_not_waited_for(tmp_path: Path) -> None:
    async def scenario() -> None:
        async with serving(tmp_path, always(b"HTTP/1.1 200 OK\r\n")) as (server, client):
            with pytest.raises(TimedOutError, match=r"^no answer to GET /slow within 0.1 s$"):
                await client.request("GET", "/slow?token=x", seconds=0.1)
            await wait_until_async(lambda: not server.open, "the end of the half-read stream")

    run(scenario())


def test_a_socket_that_does_not_open_is_not_waited_for() -> None:
    async def dial() -> object:
        return await asyncio.Event().wait()

    async def scenario() -> None:
        client = HttpClient(dial, "engine")  # type: ignore[arg-type]  # never returns
        with pytest.raises(TimedOutError):
            await client.request("GET", "/", seconds=0.1)
        with pytest.raises(TimedOutError):
            await collect(client, silence=0.1)

    run(scenario())


def test_at_most_four_streams_are_open_at_once(tmp_path: Path) -> None:
    busy = 0
    release = asyncio.Event()

    async def answer(_: str, __: int, writer: asyncio.StreamWriter) -> None:
        nonlocal busy
        busy += 1
        await release.wait()
        busy -= 1
        writer.write(OK)

    async def scenario() -> None:
        async with serving(tmp_path, answer) as (server, client):
            asking = [asyncio.ensure_future(client.request("GET", f"/{i}")) for i in range(20)]
            await wait_until_async(lambda: busy == 4, "four requests at once", saw=lambda: busy)
            for _ in range(100):  # a fifth would have come by then
                await asyncio.sleep(0)
            assert busy == 4
            release.set()
            await asyncio.gather(*asking)
            assert server.connections == 4

    run(scenario())


def test_who_gives_up_waiting_leaves_no_stream_with_half_an_answer(tmp_path: Path) -> None:
    """Else the next request would read the answer to this one."""
    arrived = asyncio.Event()

    async def answer(line: str, __: int, writer: asyncio.StreamWriter) -> None:
        if "slow" in line:
            arrived.set()
        else:
            writer.write(OK)

    async def scenario() -> None:
        async with serving(tmp_path, answer) as (server, client):
            await client.request("GET", "/")
            waiting = asyncio.ensure_future(client.request("GET", "/slow"))
            await arrived.wait()
            waiting.cancel()
            assert (await client.request("GET", "/next")).body == b"hi"
            assert server.requests[-1] == (2, "GET /next")

    run(scenario())


async def collect(client: HttpClient, *, silence: float = GENEROUS) -> Sequence[bytes]:
    return [line async for line in client.lines("POST", "/pull", silence=silence)]


def test_lines_come_one_by_one(tmp_path: Path) -> None:
    """The server writes the next line only when the one before has arrived."""
    seen = asyncio.Event()

    async def answer(_: str, __: int, writer: asyncio.StreamWriter) -> None:
        writer.write(b'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n8\r\n{"a":1}\n\r\n')
        await seen.wait()
        writer.write(b'3\r\n{"b\r\n7\r\n":2}\r\nc\r\n0\r\n\r\n')

    async def scenario() -> None:
        lines: list[bytes] = []
        async with serving(tmp_path, answer) as (_, client):
            async for line in client.lines("POST", "/pull"):
                lines.append(line)
                if line == b'{"a":1}':
                    seen.set()
        assert lines == [b"200", b'{"a":1}', b'{"b":2}\r', b"c"]

    run(scenario())


def test_a_long_answer_that_pauses_too_long_is_given_up(tmp_path: Path) -> None:
    data = b'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n8\r\n{"a":1}\n\r\n'

    async def scenario() -> None:
        async with serving(tmp_path, always(data)) as (_, client):
            with pytest.raises(TimedOutError, match=r"^no answer to POST /pull within 0.1 s$"):
                await collect(client, silence=0.1)

    run(scenario())


def test_a_line_without_end(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(http, "LINE_LIMIT", 100_000)
    data = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n" + b"10000\r\n%s\r\n" % (b"x" * 65536) * 10

    async def scenario() -> None:
        async with serving(tmp_path, always(data)) as (_, client):
            with pytest.raises(ConnectionFailedError, match="a line of the answer to /pull"):
                await collect(client)

    run(scenario())
