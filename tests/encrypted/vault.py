"""A small Vault: its transit engine as sops asks it, over HTTP, on a port of this machine; what came is noted."""

from __future__ import annotations

import json
import threading
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator


@dataclass
class Vault:
    """`asked` are (path, token) of every request. `refuses`: it answers 403, with this in its text."""

    address: str = ""
    asked: list[tuple[str, str]] = field(default_factory=list)
    refuses: str = ""

    @property
    def key(self) -> str:
        return f"{self.address}/v1/transit/keys/first"


@contextmanager
def vault() -> Iterator[Vault]:
    made = Vault()

    class Answer(BaseHTTPRequestHandler):
        def do_PUT(self) -> None:
            made.asked.append((self.path, self.headers.get("X-Vault-Token", "")))
            body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            if made.refuses:
                self._answer(403, {"errors": [made.refuses]})
            elif self.path == "/v1/transit/encrypt/first":
                self._answer(200, {"data": {"ciphertext": f"vault:v1:{body['plaintext']}"}})
            else:
                self._answer(200, {"data": {"plaintext": str(body.get("ciphertext")).removeprefix("vault:v1:")}})

        do_POST = do_PUT  # noqa: N815 - the library's name

        def _answer(self, status: int, value: object) -> None:
            body = json.dumps(value).encode()
            self.send_response(status)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            """A test's output is its own."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Answer)
    server.daemon_threads = True
    made.address = f"http://127.0.0.1:{server.server_port}"
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield made
    finally:
        server.shutdown()
        server.server_close()
