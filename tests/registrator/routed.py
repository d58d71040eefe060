"""An agent whose router works as that of Consul 1.8.7: it decodes a path, removes `.`, `..` and empty segments, and redirects.

Tried with the real one: `PUT /v1/agent/service/deregister/..%2F..%2Fleave` is answered by 301 and `/v1/agent/leave`, a path with a
line break by 400. It leaves its cluster when it is told to, and forgets what expires when `reap` is called.
"""

from __future__ import annotations

import json
import posixpath
import threading
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qsl, unquote

if TYPE_CHECKING:
    from collections.abc import Iterator


class RoutedConsul(ThreadingHTTPServer):
    daemon_threads = True
    block_on_close = False

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.services: dict[str, dict[str, Any]] = {}
        self.asked: list[str] = []
        """Requests as they came."""
        self.left = False

    def reap(self) -> None:
        """What the agent does to entries that were critical for as long as they may be."""
        for id_, told in list(self.services.items()):
            if any(check.get("DeregisterCriticalServiceAfter") for check in told["Checks"]):
                del self.services[id_]

    def route(self, method: str, target: str, body: Any) -> tuple[int, Any]:  # noqa: C901 - one line an endpoint
        raw, _, query = target.partition("?")
        path = unquote(raw)
        if not path.isprintable():
            return 400, b""
        clean = posixpath.normpath(path) + ("/" if path.endswith("/") and path != "/" else "")
        if clean != path:
            return 301, clean
        assert all(key in {"replace-existing-checks", "note"} for key, _ in parse_qsl(query))
        match path.split("/", 5)[2:]:
            case ["agent", "leave"] if method == "PUT":
                self.left = True
                return 200, b""
            case ["status", "leader"]:
                return 200, "127.0.0.1:8300"
            case ["agent", "services"]:
                return 200, self.services
            case ["agent", "checks"]:
                return 200, {}
            case ["agent", "service", "register"] if method == "PUT":
                told = {key.lower(): value for key, value in body.items()}
                self.services[told["id"]] = {
                    "ID": told["id"], "Service": told["name"], "Address": told.get("address", ""), "Port": told.get("port", 0),
                    "Meta": told.get("meta", {}), "Tags": told.get("tags", []), "Checks": told.get("checks", []),
                }  # fmt: skip
                return 200, b""
            case ["agent", "service", "deregister", id_] if method == "PUT":
                return (200, b"") if self.services.pop(id_, None) else (404, b"Unknown service ID")
            case ["agent", "service", id_]:
                return (200, self.services[id_]) if id_ in self.services else (404, b"")
            case ["agent", "check", _]:
                return 200, b""
            case _:
                return 404, b"no such endpoint"


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: RoutedConsul

    def answer(self) -> None:
        content = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        self.server.asked.append(f"{self.command} {self.path}")
        status, told = self.server.route(self.command, self.path, json.loads(content) if content else None)
        body = told if isinstance(told, bytes) else json.dumps(told).encode()
        self.send_response(status)
        if status == 301:
            self.send_header("Location", told)
            body = b""
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    do_GET = do_PUT = answer  # noqa: N815 - http.server's names

    def log_message(self, *_: Any) -> None:
        pass


@contextmanager
def routed_consul() -> Iterator[RoutedConsul]:
    with RoutedConsul() as made:
        thread = threading.Thread(target=made.serve_forever, args=(0.01,))
        thread.start()
        yield made
        made.shutdown()
        thread.join()
