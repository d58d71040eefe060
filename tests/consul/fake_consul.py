"""A Consul in memory: keys, sessions with their TTLs and lock-delays, blocking queries; as its HTTP API documents them.

A session that is not renewed ends after two of its TTLs (`patience`), as Consul's own do.
"""

from __future__ import annotations

import asyncio
import base64
import json
import uuid
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from deployer.remote import ConnectionFailedError
from deployer.remote.clock import read_clock
from tests.fakes import FakeConnection

if TYPE_CHECKING:
    from tests.fakes import Request


@dataclass
class Key:
    value: bytes
    session: str = ""
    lock_index: int = 0
    barred_until: float = 0.0


@dataclass
class Session:
    ttl: float
    lock_delay: float
    ends: float


@dataclass
class FakeConsul:
    keys: dict[str, Key] = field(default_factory=dict)
    sessions: dict[str, Session] = field(default_factory=dict)
    asked: list[str] = field(default_factory=list)
    """Request lines, ids in them as they are."""
    failure: Any = None
    """What every request is answered with instead: an exception, or (status, text)."""
    index: int = 1
    patience: float = 2
    _changed: asyncio.Event = field(default_factory=asyncio.Event)

    def connection(self) -> FakeConnection:
        return FakeConnection(_Anything(self))

    def down(self) -> None:
        self.failure = ConnectionFailedError("port 8500 there: refused")

    async def answer(self, request: Request) -> Any:
        self.asked.append(request.line)
        if self.failure:
            return self.failure
        self._expire()
        method, _, path = request.line.partition(" ")
        match path.split("/")[2:]:
            case ["status", "leader"]:
                return 200, b'"10.0.0.9:8300"'
            case ["session", "create"]:
                return 200, {"ID": self._create(request.body)}
            case ["session", "renew", name]:
                return self._renew(name)
            case ["session", "destroy", name]:
                self._end(name)
                return 200, b"true"
            case ["kv", *parts] if method == "GET":
                return await self._get("/".join(parts), request)
            case ["kv", *parts]:
                return self._put("/".join(parts), request)
            case _:
                raise AssertionError(f"nobody expects {request.line}")

    def _create(self, body: dict[str, Any]) -> str:
        name = str(uuid.uuid4())
        assert body["NodeChecks"] == body["Checks"] == []
        assert body["Behavior"] == "release"
        ttl = float(body["TTL"].removesuffix("s"))
        self.sessions[name] = Session(ttl, float(body["LockDelay"].removesuffix("s")), self._end_of(ttl))
        return name

    def _end_of(self, ttl: float) -> float:
        return read_clock() + self.patience * ttl

    def _renew(self, name: str) -> Any:
        if name not in self.sessions:
            return 404, f"Session id '{name}' not found".encode()
        session = self.sessions[name]
        session.ends = self._end_of(session.ttl)
        return 200, [{"ID": name, "TTL": f"{session.ttl}s"}]

    async def _get(self, name: str, request: Request) -> Any:
        assert request.query["consistent"] == "1"
        deadline = read_clock() + float(request.query.get("wait", "0s").removesuffix("s"))
        while request.query.get("index") == str(self.index) and (left := deadline - read_clock()) > 0:
            ends = [session.ends - read_clock() for session in self.sessions.values()]
            with_expiry = max(min([left, *ends]), 0.0)
            waiting = asyncio.ensure_future(self._changed.wait())
            await asyncio.wait([waiting], timeout=with_expiry)
            waiting.cancel()
            self._expire()
        headers = {"X-Consul-Index": str(self.index)}
        key = self.keys.get(name)
        if key is None:
            return 404, b"", headers
        told = {"Key": name, "Flags": 0, "LockIndex": key.lock_index, "Value": base64.b64encode(key.value).decode()}
        return 200, [told | ({"Session": key.session} if key.session else {})], headers

    def _put(self, name: str, request: Request) -> Any:
        value = json.dumps(request.body).encode()
        query = request.query
        key = self.keys.get(name)
        if session := query.get("acquire"):
            if session not in self.sessions:
                return 500, f"invalid session '{session}'".encode()
            key = self.keys.setdefault(name, Key(value))
            if key.session not in {"", session} or read_clock() < key.barred_until:
                return 200, b"false"
            key.lock_index += key.session != session
            key.session = session
        elif session := query.get("release"):
            if key is None or key.session != session:
                return 200, b"false"
            key.session = ""
        else:
            key = self.keys.setdefault(name, Key(value))
        key.value = value
        self._change()
        return 200, b"true"

    def _expire(self) -> None:
        for name, session in list(self.sessions.items()):
            if read_clock() >= session.ends:
                self._end(name)

    def _end(self, name: str) -> None:
        session = self.sessions.pop(name, None)
        for key in self.keys.values():
            if session and key.session == name:
                key.session = ""
                key.barred_until = read_clock() + session.lock_delay
                self._change()

    def _change(self) -> None:
        self.index += 1
        self._changed.set()
        self._changed = asyncio.Event()


class _Anything(dict[str, Any]):
    """Every request line is answered by the fake."""

    def __init__(self, consul: FakeConsul) -> None:
        super().__init__()
        self._consul = consul

    def __contains__(self, line: object) -> bool:
        return line != "open"

    def __getitem__(self, line: str) -> Any:
        return self._consul.answer
