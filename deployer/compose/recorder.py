"""Record the bodies of the create requests of `docker stack deploy`: an engine that only takes notes.

An HTTP server on a unix socket plays an empty engine with an active swarm. What the CLI "creates" there is found again
when it asks; what the compose file calls external is answered and noted; any other question is answered with 501 and
makes `Recorder.close` fail, because an answer made up for it could change what the CLI sends. Tried with the docker CLI 26.1, 28.2 and 28.5.
"""

from __future__ import annotations

import contextlib
import http.server
import json
import re
import socket
import threading
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final, Literal, Self
from urllib.parse import parse_qs, unquote, urlsplit

from deployer.errors import DeployerError

if TYPE_CHECKING:
    from collections.abc import Collection
    from pathlib import Path
    from types import TracebackType

Kind = Literal["network", "config", "secret"]
Answer = tuple[int, Any]

API_VERSION: Final = "1.51"
"""The newest that we offer; the CLI takes the lower one of this and its own newest."""
LARGEST_REQUEST: Final = 64 << 20
LONGEST_SOCKET_PATH: Final = 107
_SECONDS_TO_HANG_UP: Final = 5.0
_VERSIONED: Final = re.compile(r"/v\d+\.\d+(?=/)")
_PLURALS: Final[dict[str, Kind]] = {"networks": "network", "configs": "config", "secrets": "secret"}


@dataclass
class Recorded:
    """What the CLI sent, in the order in which it did (a Go map's order for services: sort before use)."""

    networks: list[dict[str, Any]] = field(default_factory=list)
    configs: list[dict[str, Any]] = field(default_factory=list)
    secrets: list[dict[str, Any]] = field(default_factory=list)
    services: list[dict[str, Any]] = field(default_factory=list)
    external: set[tuple[Kind, str]] = field(default_factory=set)
    """External objects that the CLI asked for: the stack needs them."""
    unexpected: list[str] = field(default_factory=list)


class Engine:
    """The answers, apart from any socket: `answer` takes one request and returns status and JSON value (None: no body)."""

    def __init__(self, external: Collection[tuple[Kind, str]] = ()) -> None:
        self.recorded = Recorded()
        self._external = frozenset(external)
        self._lock = threading.Lock()

    def answer(self, method: str, target: str, body: bytes) -> Answer:
        url = urlsplit(target)
        path = _VERSIONED.sub("", url.path, count=1)
        filters = json.loads(parse_qs(url.query).get("filters", ["{}"])[0])
        with self._lock:
            answer = self._answer(method, path, filters, body)
            if answer is None:
                self.recorded.unexpected.append(f"{method} {url.path}")
                return 501, {"message": f"the recorder does not know {method} {url.path}"}
            return answer

    def _answer(self, method: str, path: str, filters: dict[str, Any], body: bytes) -> Answer | None:
        answer: Answer | None = None
        match [method, *path.strip("/").split("/")]:
            case ["HEAD" | "GET", "_ping"]:
                answer = 200, None
            case ["GET", "info"]:
                answer = 200, {"ID": "recorder", "Swarm": {"LocalNodeState": "active", "ControlAvailable": True}}
            case ["GET", "services" | "networks"] if "label" in filters:
                answer = 200, []
            case ["GET", "networks" | "configs" | "secrets" as plural, name]:
                answer = self._one(_PLURALS[plural], unquote(name))
            case ["GET", "configs" | "secrets" as plural] if "name" in filters:
                answer = self._several(_PLURALS[plural], sorted(filters["name"]))
            case ["POST", "networks" | "configs" | "secrets" | "services" as plural, "create"]:
                created = json.loads(body)
                getattr(self.recorded, plural).append(created)
                identity = _identity(plural, created["Name"])
                answer = 201, {"ID": identity, "Id": identity}
            case _:
                pass
        return answer

    def _one(self, kind: Kind, name: str) -> Answer:
        found = self._find(kind, name)
        return (200, found) if found is not None else (404, {"message": f"{kind} {name} not found"})

    def _several(self, kind: Kind, names: list[str]) -> Answer | None:
        """None, which is an unexpected request, where a name was neither created nor is said to be external."""
        found = [self._find(kind, name) for name in names]
        return (200, found) if all(each is not None for each in found) else None

    def _find(self, kind: Kind, name: str) -> dict[str, Any] | None:
        created: list[dict[str, Any]] = getattr(self.recorded, f"{kind}s")
        known = any(one["Name"] == name for one in created)
        if not known:
            if (kind, name) not in self._external:
                return None
            self.recorded.external.add((kind, name))
        identity = _identity(f"{kind}s", name)
        if kind == "network":
            return {"Id": identity, "Name": name, "Driver": "overlay", "Scope": "swarm"}
        return {"ID": identity, "Version": {"Index": 1}, "Spec": {"Name": name}}


class Recorder:
    """An `Engine` that listens on `path` (at most 107 bytes) until `close`, in threads of its own."""

    def __init__(self, path: Path, external: Collection[tuple[Kind, str]] = ()) -> None:
        if len(bytes(path)) > LONGEST_SOCKET_PATH:
            raise DeployerError(f"the socket path {path} is too long", help="set TMPDIR to a shorter directory")
        self.engine = Engine(external)
        self._threads: list[threading.Thread] = []
        self._socket = socket.socket(socket.AF_UNIX)
        self._socket.bind(str(path))
        self._socket.listen()
        self._start(self._accept)

    def close(self) -> Recorded:
        """Stops listening and returns the record; `DeployerError` where the CLI asked what no answer is known for."""
        self._hang_up()
        recorded = self.engine.recorded
        if recorded.unexpected:
            raise DeployerError(
                f"the docker CLI asked for something new while it compiled a stack: {recorded.unexpected[0]}",
                help="this docker CLI is newer than this deployer; use an older one, or report it",
            )
        return recorded

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, _kind: type[BaseException] | None, _error: BaseException | None, _trace: TracebackType | None
    ) -> None:
        self._hang_up()

    def _hang_up(self) -> None:
        with contextlib.suppress(OSError):  # closed before
            self._socket.shutdown(socket.SHUT_RDWR)  # wakes `accept`
        for thread in self._threads:
            thread.join(_SECONDS_TO_HANG_UP)
        self._socket.close()

    def _start(self, target: Any, *args: Any) -> None:
        thread = threading.Thread(target=target, args=args, daemon=True)
        self._threads.append(thread)
        thread.start()

    def _accept(self) -> None:
        while True:
            try:
                connection, _ = self._socket.accept()
            except OSError:  # shut down by `close`
                return
            self._start(self._talk, connection)

    def _talk(self, connection: socket.socket) -> None:
        with connection, contextlib.suppress(ConnectionError):  # the CLI left in the middle: its exit code says why
            _Conversation(connection, self.engine)


class _Conversation(http.server.BaseHTTPRequestHandler):
    """One connection's requests, until the other side hangs up."""

    protocol_version = "HTTP/1.1"

    def __init__(self, connection: socket.socket, engine: Engine) -> None:
        self._engine = engine
        super().__init__(connection, "", None)  # type: ignore[arg-type]  # there is no server object: the socket is ours

    def _respond(self) -> None:
        length = int(self.headers.get("Content-Length") or 0)
        if length > LARGEST_REQUEST:
            self.close_connection = True
            return
        status, value = self._engine.answer(self.command, self.path, self.rfile.read(length))
        payload = b"" if value is None else json.dumps(value).encode()
        self.send_response(status)
        self.send_header("Api-Version", API_VERSION)
        self.send_header("Ostype", "linux")
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(payload)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(payload)

    do_GET = do_HEAD = do_POST = do_PUT = do_DELETE = _respond  # noqa: N815 - the names that http.server looks for

    def log_message(self, format: str, *args: object) -> None:
        """Nothing is logged."""


def _identity(plural: str, name: str) -> str:
    return f"{plural}/{name}"
