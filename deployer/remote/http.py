"""HTTP/1.1 over any stream, by h11: the engine's socket and Consul's port, as channels of a machine's one connection.

docker-py costs 0.12 to 0.5 s to import and speaks to sockets of this machine only; this costs nothing and 1 ms a call.
"""

from __future__ import annotations

import asyncio
from contextlib import aclosing
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, TypeVar

import h11

from deployer.errors import TimedOutError
from deployer.remote.connection import ConnectionFailedError, Stream

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Awaitable, Callable

REQUEST_SECONDS: Final = 30.0
PARALLEL: Final = 4
"""Streams open at once: four writers are as fast as an engine gets, sixteen are slower."""
SILENCE_SECONDS: Final = 180.0
"""How long a long answer may pause: a pull says something every second, and a registry that hangs never again."""
BODY_LIMIT: Final = 64 * 1024 * 1024
LINE_LIMIT: Final = 1024 * 1024
INTERIM_LIMIT: Final = 16
"""Answers that only say that one is coming (1xx): an engine sends none, and a server could send them for ever."""
_CHUNK: Final = 65536
_T = TypeVar("_T")


class TooLargeError(ConnectionFailedError):
    """An answer that nobody should read to its end."""


@dataclass(frozen=True)
class Response:
    status: int
    headers: dict[str, str]
    body: bytes


@dataclass
class _Channel:
    stream: Stream
    http: h11.Connection
    used: bool = False
    interim: int = 0
    """How many 1xx came for this request."""
    received: int = 0
    """How many bytes, heads and all."""


class HttpClient:
    """Requests to one server; `dial` opens a stream to it. Streams are kept open and used again."""

    def __init__(self, dial: Callable[[], Awaitable[Stream]], host: str) -> None:
        self._dial = dial
        self._host = host
        self._idle: list[_Channel] = []
        self._free = asyncio.Semaphore(PARALLEL)

    async def request(
        self,
        method: str,
        target: str,
        body: bytes = b"",
        *,
        headers: dict[str, str] | None = None,
        seconds: float = REQUEST_SECONDS,
    ) -> Response:
        """One request and its whole answer. Raises ConnectionFailedError, or TimedOutError after that many `seconds`."""
        exchange = self._exchange(method, target, body, headers or {})
        return await _within(seconds, exchange, f"{method} {_path(target)}")

    async def lines(
        self,
        method: str,
        target: str,
        body: bytes = b"",
        *,
        headers: dict[str, str] | None = None,
        silence: float = SILENCE_SECONDS,
    ) -> AsyncGenerator[bytes, None]:
        """The lines of a long answer, as they come (image pulls, builds, events). The first item is the status as text.

        Raises ConnectionFailedError, or TimedOutError where nothing comes for `silence` seconds.
        """
        rest, begun = (
            bytearray(),
            False,
        )  # grows in place: a line that comes byte by byte is not copied for each of them
        async with aclosing(self.chunks(method, target, body, headers=headers, silence=silence)) as chunks:
            async for chunk in chunks:
                if not begun:
                    begun = True
                    yield chunk
                    continue
                first, *more = chunk.split(b"\n")
                rest += first
                for following in more:
                    yield bytes(rest)
                    rest = bytearray(following)
                if len(rest) > LINE_LIMIT:
                    raise TooLargeError(f"a line of the answer to {_path(target)} is larger than {LINE_LIMIT} bytes")
        if rest.strip():
            yield bytes(rest)

    async def chunks(
        self,
        method: str,
        target: str,
        body: bytes = b"",
        *,
        headers: dict[str, str] | None = None,
        silence: float | None = SILENCE_SECONDS,
    ) -> AsyncGenerator[bytes, None]:
        """The same as it comes, not cut into lines; `silence` None: it may pause for ever."""
        name = f"{method} {_path(target)}"
        stream = await _within(silence, self._dial(), name)
        channel = _Channel(stream, h11.Connection(h11.CLIENT))
        try:
            await _within(silence, self._send(channel, method, target, body, headers or {}), name)
            while True:
                event = await _within(silence, self._event(channel), name)
                if isinstance(event, h11.Response):
                    yield str(event.status_code).encode()
                elif isinstance(event, h11.Data):
                    yield bytes(event.data)
                elif isinstance(event, h11.EndOfMessage):
                    break
        finally:
            channel.stream.close()

    def close(self) -> None:
        while self._idle:
            self._idle.pop().stream.close()

    async def _exchange(self, method: str, target: str, body: bytes, headers: dict[str, str]) -> Response:
        async with self._free:
            return await self._on_some_channel(method, target, body, headers)

    async def _on_some_channel(self, method: str, target: str, body: bytes, headers: dict[str, str]) -> Response:
        while True:
            channel = self._idle.pop() if self._idle else _Channel(await self._dial(), h11.Connection(h11.CLIENT))
            try:
                response = await self._once(channel, method, target, body, headers)
            except TooLargeError:
                channel.stream.close()
                raise
            except ConnectionFailedError:
                channel.stream.close()
                # The server may have closed a kept stream in the meantime (its daemon restarted): reading again is safe.
                if not channel.used or method != "GET":
                    raise
            except BaseException:
                channel.stream.close()
                raise
            else:
                self._keep(channel)
                return response

    def _keep(self, channel: _Channel) -> None:
        if channel.http.our_state is h11.DONE and channel.http.their_state is h11.DONE:
            channel.http.start_next_cycle()
            channel.used = True
            channel.interim = channel.received = 0
            self._idle.append(channel)
        else:
            channel.stream.close()

    async def _once(
        self, channel: _Channel, method: str, target: str, body: bytes, headers: dict[str, str]
    ) -> Response:
        await self._send(channel, method, target, body, headers)
        status, received, content = 0, {}, bytearray()
        while not isinstance(event := await self._event(channel), h11.EndOfMessage):
            # Bytes as they came, as a chunk of one byte takes six of them, and a head has no end.
            if channel.received > BODY_LIMIT:
                raise TooLargeError(f"the answer to {_path(target)} is larger than {BODY_LIMIT} bytes")
            if isinstance(event, h11.Response):
                status = event.status_code
                received = {name.decode("latin-1").lower(): value.decode("latin-1") for name, value in event.headers}
            elif isinstance(event, h11.Data):
                content += event.data
        return Response(status, received, bytes(content))

    async def _send(self, channel: _Channel, method: str, target: str, body: bytes, headers: dict[str, str]) -> None:
        fields = {"Host": self._host, "Content-Length": str(len(body)), **headers}
        if body:
            fields.setdefault("Content-Type", "application/json")
        http = channel.http
        data = http.send(h11.Request(method=method, target=target, headers=list(fields.items()))) or b""
        data += (http.send(h11.Data(data=body)) or b"") if body else b""
        data += http.send(h11.EndOfMessage()) or b""
        try:
            await channel.stream.write(data)
        except OSError as error:
            raise ConnectionFailedError(f"the connection broke: {error}") from None

    async def _event(self, channel: _Channel) -> h11.Event:
        while True:
            try:
                event = channel.http.next_event()
                if event is h11.NEED_DATA:
                    data = await channel.stream.read(_CHUNK)
                    channel.received += len(data)
                    channel.http.receive_data(data)
                    continue
            except h11.RemoteProtocolError as error:
                raise ConnectionFailedError(f"the answer breaks off or is no HTTP: {error}") from None
            except OSError as error:
                raise ConnectionFailedError(f"the connection broke: {error}") from None
            assert not isinstance(event, type)
            if not isinstance(event, h11.InformationalResponse):
                return event
            channel.interim += 1
            if channel.interim > INTERIM_LIMIT:
                raise ConnectionFailedError(f"more than {INTERIM_LIMIT} answers say that one is coming, and none comes")


def _path(target: str) -> str:
    """The target as messages name it: a query may hold what nobody should see."""
    return target.partition("?")[0]


async def _within(seconds: float | None, work: Awaitable[_T], name: str) -> _T:
    try:
        async with asyncio.timeout(seconds):
            return await work
    except TimeoutError:
        raise TimedOutError(f"no answer to {name} within {seconds:g} s") from None
