"""The Docker Engine API of one machine (docs.docker.com/reference/api/engine), through the machine's connection."""

from __future__ import annotations

import asyncio
import contextlib
import json
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import quote, urlencode

import msgspec

from deployer.errors import DeployerError
from deployer.model.reference import LATEST, split
from deployer.remote.connection import UnixSocket
from deployer.remote.http import REQUEST_SECONDS, HttpClient, Response

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Mapping

    from deployer.remote.connection import Connection

SOCKET: Final = UnixSocket("/var/run/docker.sock")
NEWEST: Final = (1, 51)
"""The newest API that this was tried with. Engines are spoken to in the older of theirs and this, never in a fixed one."""


class EngineError(DeployerError):
    """The engine refused; `status` is HTTP's."""

    def __init__(self, status: int, message: str) -> None:
        super().__init__(message)
        self.status = status


class Engine:
    """Requests to one engine. All methods raise EngineError, ConnectionFailedError, or TimedOutError."""

    def __init__(self, connection: Connection) -> None:
        self._http = HttpClient(lambda: connection.open(SOCKET), "docker")
        self._prefix = ""
        self._agreeing: asyncio.Task[str] | None = None

    async def version(self) -> str:
        """The engine's version; agrees on the API version on the way."""
        told = await self._json("GET", "/version")
        try:
            major, minor = str(told["ApiVersion"]).split(".")
            newest = int(major), int(minor)
        except (KeyError, TypeError, ValueError):
            raise EngineError(502, "what answers at the engine's socket is no Docker engine") from None
        self._prefix = "/v{}.{}".format(*min(newest, NEWEST))
        return str(told.get("Version", ""))

    def close(self) -> None:
        """Close the streams that are kept for the next request."""
        if self._agreeing:
            self._agreeing.cancel()
        self._http.close()

    async def get(self, path: str, **query: Any) -> Any:
        return await self._call("GET", path, query)

    async def post(self, path: str, body: Mapping[str, Any] | None = None, **query: Any) -> Any:
        return await self._call("POST", path, query, body)

    async def post_with(self, headers: Mapping[str, str], path: str, body: Mapping[str, Any], **query: Any) -> Any:
        """The same with more headers: a registry's credentials."""
        return await self._call("POST", path, query, body, headers=headers)

    async def digest(self, image: str, headers: Mapping[str, str] | None = None) -> str:
        """What the image's registry says that its tag stands for; `headers` has the credentials. The engine asks its mirrors first."""
        told = await self._call("GET", f"/distribution/{quote(image, safe='/:')}/json", {}, headers=headers)
        try:
            return str(told["Descriptor"]["digest"])
        except (KeyError, TypeError):
            raise EngineError(502, f"the engine does not tell the digest of {image}") from None

    async def raw(self, path: str, **query: Any) -> bytes:
        """The answer's bytes as they are: logs and archives are no JSON."""
        await self._agree()
        target = self._prefix + path + (f"?{urlencode(_encoded(query))}" if query else "")
        response = await self._http.request("GET", target)
        if response.status >= 400:
            raise EngineError(response.status, _message(response))
        return response.body

    async def stream(self, path: str, *, silence: float | None, **query: Any) -> AsyncGenerator[bytes, None]:
        """A long answer's bytes as they come; it may pause for `silence` seconds, None: for ever."""
        await self._agree()
        target = self._prefix + path + (f"?{urlencode(_encoded(query))}" if query else "")
        status, said = 0, b""
        async with contextlib.aclosing(self._http.chunks("GET", target, silence=silence)) as chunks:
            async for chunk in chunks:
                if not status:
                    status = int(chunk)
                elif status >= 400:
                    said += chunk
                else:
                    yield chunk
        if status >= 400:
            raise EngineError(status, _message(Response(status, {}, said)))

    async def delete(self, path: str, **query: Any) -> Any:
        return await self._call("DELETE", path, query)

    async def post_slowly(self, path: str, body: Mapping[str, Any], seconds: float) -> Any:
        """A request that may take longer than others: joining a swarm waits for the manager."""
        return await self._call("POST", path, {}, body, seconds=seconds)

    async def unpack(self, container: str, archive: bytes) -> None:
        """Put the files of a tar archive into a container, which need not run; its paths are relative to the root."""
        await self._agree()
        target = f"{self._prefix}/containers/{segment(container)}/archive?path=%2F"
        headers = {"Content-Type": "application/x-tar"}
        response = await self._http.request("PUT", target, archive, headers=headers)
        if response.status >= 400:
            raise EngineError(response.status, _message(response))

    async def pull(self, image: str, headers: Mapping[str, str] | None = None) -> AsyncGenerator[str, None]:
        """Pull an image; yields what the engine says on the way. Raises EngineError where it ends in an error."""
        name, tag, digest = split(image)
        query = {"fromImage": name, "tag": digest or tag or LATEST}  # a digest is a tag there
        async with contextlib.aclosing(self._telling("/images/create", query, headers=headers)) as words:
            async for word in words:
                yield word

    async def build(self, context: bytes, **query: Any) -> AsyncGenerator[str, None]:
        """Build an image from a tar archive, which may be packed by gzip; yields what the engine says on the way.

        Raises EngineError where it ends in an error.
        """
        async with contextlib.aclosing(self._telling("/build", query, context)) as words:
            async for word in words:
                yield word

    async def _telling(
        self, path: str, query: Mapping[str, Any], body: bytes = b"", *, headers: Mapping[str, str] | None = None
    ) -> AsyncGenerator[str, None]:
        """A request whose answer is a line of JSON for each step; yields the words in them."""
        await self._agree()
        target = f"{self._prefix}{path}?{urlencode(_encoded(query))}"
        fields = {**(headers or {}), **({"Content-Type": "application/x-tar"} if body else {})}
        status = 0
        async with contextlib.aclosing(self._http.lines("POST", target, body, headers=fields)) as lines:
            async for line in lines:
                if not status:
                    status = int(line)
                elif line.strip():
                    yield _told(status, line)
        if status >= 400:
            raise EngineError(status, f"HTTP status {status}")

    async def _agree(self) -> None:
        """Ask for the version once, however many requests begin at the same time."""
        if self._prefix:
            return
        if self._agreeing is None or self._agreeing.done():
            self._agreeing = asyncio.create_task(self.version())
        await asyncio.shield(self._agreeing)

    async def _call(
        self,
        method: str,
        path: str,
        query: Mapping[str, Any],
        body: Mapping[str, Any] | None = None,
        *,
        seconds: float = REQUEST_SECONDS,
        headers: Mapping[str, str] | None = None,
    ) -> Any:
        await self._agree()
        target = self._prefix + path + (f"?{urlencode(_encoded(query))}" if query else "")
        return await self._json(method, target, body, seconds=seconds, headers=headers)

    async def _json(
        self,
        method: str,
        target: str,
        body: Mapping[str, Any] | None = None,
        *,
        seconds: float = REQUEST_SECONDS,
        headers: Mapping[str, str] | None = None,
    ) -> Any:
        data = b"" if body is None else json.dumps(body).encode()
        response = await self._http.request(method, target, data, seconds=seconds, headers=dict(headers or {}))
        if response.status >= 400:
            raise EngineError(response.status, _message(response))
        try:
            return msgspec.json.decode(response.body) if response.body.strip() else {}
        except (msgspec.DecodeError, ValueError):
            raise EngineError(502, f"the answer to {method} {target.partition('?')[0]} is no JSON") from None


def _encoded(query: Mapping[str, Any]) -> dict[str, str]:
    return {key: value if isinstance(value, str) else json.dumps(value) for key, value in query.items()}


def _told(status: int, line: bytes) -> str:
    """A line of a pull's or a build's answer: the word on how it goes. Raises EngineError where it tells of a failure."""
    try:
        told = json.loads(line)
        failure = told.get("error") or (told.get("message") if status >= 400 else "")
        word = str(told.get("status") or told.get("stream") or "")
    except (ValueError, AttributeError):
        failure, word = line.decode("utf-8", "replace").strip(), ""
    if failure or status >= 400:
        raise EngineError(status, str(failure or f"HTTP status {status}").strip())
    return word.strip()


def _message(response: Response) -> str:
    try:
        return str(json.loads(response.body)["message"]).strip()
    except (ValueError, KeyError, TypeError):
        return response.body.decode("utf-8", "replace").strip() or f"HTTP status {response.status}"


def segment(text: str) -> str:
    """A name or id as one segment of a path."""
    return quote(text, safe="")
