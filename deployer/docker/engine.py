"""The Docker Engine API of one machine (docs.docker.com/reference/api/engine), through the machine's connection.

What answers at the socket is data, whatever it is: an answer that is none ends in an EngineError, within a time and a number of
bytes that are known before. Names stand in paths by `segment`; a path that holds anything else is not sent.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import re
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import urlencode

import msgspec

from deployer.errors import DeployerError
from deployer.model import path as paths
from deployer.model.reference import LATEST, split
from deployer.remote.connection import UnixSocket
from deployer.remote.http import REQUEST_SECONDS, HttpClient, Response

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Mapping

    from deployer.remote.connection import Connection

SOCKET: Final = UnixSocket("/var/run/docker.sock")
NEWEST: Final = (1, 51)
"""The newest API that this was tried with. Engines are spoken to in the older of theirs and this, never in a fixed one."""
NO_ENGINE: Final = "what answers at the engine's socket is no Docker engine"
LONGEST_MESSAGE: Final = 2000
"""Characters of what an engine says when it refuses. A failed build's last line is its longest."""
FAILED_LIMIT: Final = 65536
"""Bytes of it that are read."""
_VERSION: Final = re.compile(r"([0-9]{1,4})\.([0-9]{1,4})", re.ASCII)
_DIGEST: Final = re.compile(r"[A-Za-z0-9+._-]{1,32}:[A-Za-z0-9]{1,128}", re.ASCII)
_LISTS: Final = frozenset({
    "/nodes", "/services", "/tasks", "/networks", "/configs", "/secrets", "/containers/json", "/images/json",
})  # fmt: skip
"""The paths that are answered by a list of objects; every other one is by an object."""


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
        found = _VERSION.fullmatch(str(told.get("ApiVersion"))) if isinstance(told, dict) else None
        if found is None:
            raise EngineError(502, NO_ENGINE)
        self._prefix = "/v{}.{}".format(*min((int(found[1]), int(found[2])), NEWEST))
        return str(told.get("Version", ""))

    def close(self) -> None:
        """Close the streams that are kept for the next request."""
        if self._agreeing:
            self._agreeing.cancel()
        self._http.close()

    async def get(self, path: str, /, **query: Any) -> Any:
        """An object, or a list of objects where the path is one of _LISTS."""
        told = await self._call("GET", path, query)
        if not (_is_list(told) if path in _LISTS else isinstance(told, dict)):
            raise EngineError(502, NO_ENGINE)
        return told

    async def post(self, path: str, body: Mapping[str, Any] | None = None, **query: Any) -> Any:
        return await self._call("POST", path, query, body)

    async def post_with(self, headers: Mapping[str, str], path: str, body: Mapping[str, Any], **query: Any) -> Any:
        """The same with more headers: a registry's credentials."""
        return await self._call("POST", path, query, body, headers=headers)

    async def digest(self, image: str, headers: Mapping[str, str] | None = None) -> str:
        """What the image's registry says that its tag stands for; `headers` has the credentials. The engine asks its mirrors first."""
        told = await self._call("GET", f"/distribution/{segment(image)}/json", {}, headers=headers)
        try:
            found = str(told["Descriptor"]["digest"])
        except (KeyError, TypeError):
            found = ""
        if not _DIGEST.fullmatch(found):
            raise EngineError(502, f"the engine does not tell the digest of {image}")
        return found

    async def raw(self, path: str, /, **query: Any) -> bytes:
        """The answer's bytes as they are: logs and archives are no JSON."""
        response = await self._http.request("GET", await self._target(path, query))
        if _failed(response.status):
            raise EngineError(response.status, _message(response))
        return response.body

    async def stream(self, path: str, *, silence: float | None, **query: Any) -> AsyncGenerator[bytes, None]:
        """A long answer's bytes as they come; it may pause for `silence` seconds, None: for ever."""
        target = await self._target(path, query)
        status, said = 0, b""
        async with contextlib.aclosing(self._http.chunks("GET", target, silence=silence)) as chunks:
            async for chunk in chunks:
                if not status:
                    status = int(chunk)
                elif not _failed(status):
                    yield chunk
                elif len(said) < FAILED_LIMIT:
                    said += chunk
                else:
                    break
        if _failed(status):
            raise EngineError(status, _message(Response(status, {}, said)))

    async def delete(self, path: str, /, **query: Any) -> Any:
        return await self._call("DELETE", path, query)

    async def post_slowly(self, path: str, body: Mapping[str, Any], seconds: float, **query: Any) -> Any:
        """A request that may take longer than others: joining a swarm waits for the manager."""
        return await self._call("POST", path, query, body, seconds=seconds)

    async def unpack(self, container: str, archive: bytes) -> None:
        """Put the files of a tar archive into a container, which need not run; its paths are relative to the root."""
        target = await self._target(f"/containers/{segment(container)}/archive", {"path": "/"})
        headers = {"Content-Type": "application/x-tar"}
        response = await self._http.request("PUT", target, archive, headers=headers)
        if _failed(response.status):
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
        target = await self._target(path, query)
        fields = {**(headers or {}), **({"Content-Type": "application/x-tar"} if body else {})}
        status = 0
        async with contextlib.aclosing(self._http.lines("POST", target, body, headers=fields)) as lines:
            async for line in lines:
                if not status:
                    status = int(line)
                elif line.strip():
                    yield _told(status, line)
        if _failed(status):
            raise EngineError(status, f"HTTP status {status}")

    async def _target(self, path: str, query: Mapping[str, Any]) -> str:
        """What is asked for, with the version before it. Raises EngineError where the path holds a name that nobody quoted."""
        if not paths.is_quoted(path):
            raise EngineError(400, f"the engine cannot be asked for {path[:200]!a}")
        await self._agree()
        return self._prefix + path + (f"?{urlencode(_encoded(query))}" if query else "")

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
        target = await self._target(path, query)
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
        if _failed(response.status):
            raise EngineError(response.status, _message(response))
        try:
            if not response.body.strip():
                return None if method == "GET" else {}
            return msgspec.json.decode(response.body)
        except (msgspec.DecodeError, ValueError, RecursionError):
            raise EngineError(502, f"the answer to {method} {target.partition('?')[0]} is no JSON") from None


def _failed(status: int) -> bool:
    """A redirect is followed nowhere and is no success; 304 says that it is so already."""
    return status >= 300 and status != 304


def _is_list(told: Any) -> bool:
    return isinstance(told, list) and all(isinstance(one, dict) for one in told)


def _encoded(query: Mapping[str, Any]) -> dict[str, str]:
    return {key: value if isinstance(value, str) else json.dumps(value) for key, value in query.items()}


def _told(status: int, line: bytes) -> str:
    """A line of a pull's or a build's answer: the word on how it goes. Raises EngineError where it tells of a failure."""
    told = _decoded(line)
    if isinstance(told, dict):
        failure = told.get("error") or (told.get("message") if _failed(status) else "")
        word = str(told.get("status") or told.get("stream") or "")
    else:
        failure, word = line.decode("utf-8", "replace").strip(), ""
    if failure or _failed(status):
        raise EngineError(status, _cut(str(failure or f"HTTP status {status}").strip()))
    return word.strip()


def _message(response: Response) -> str:
    told = _decoded(response.body)
    if isinstance(told, dict) and "message" in told:
        return _cut(str(told["message"]).strip())
    return _cut(response.body.decode("utf-8", "replace").strip()) or f"HTTP status {response.status}"


def _decoded(data: bytes) -> Any:
    """The JSON; None where it is none."""
    try:
        return msgspec.json.decode(data)
    except (msgspec.DecodeError, ValueError, RecursionError):
        return None


def _cut(text: str) -> str:
    return text if len(text) <= LONGEST_MESSAGE else f"{text[:LONGEST_MESSAGE]}..."


def segment(text: Any) -> str:
    """A name or id as one segment of a path; ids are an engine's words, and may be anything. Raises EngineError."""
    try:
        return paths.segment(text if isinstance(text, str) else "")
    except paths.BadPathError as error:
        raise EngineError(400, f"the engine cannot be asked for this: {error}") from None
