"""What supervisors ask and are told: `GET /health` over HTTP, and systemd's notifications (sd_notify(3))."""

from __future__ import annotations

import json
import os
import re
import socket
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Final

from deployer.errors import DeployerError, UsageError
from deployer.model.commit import short

if TYPE_CHECKING:
    from deployer.watch.loop import State

STUCK_SECONDS: Final = 300.0
"""A loop that does not apply comes round at least once a minute."""
REQUEST_SECONDS: Final = 5
_PLACE: Final = re.compile(r"(?:(?P<host>[A-Za-z0-9.-]+|\[[0-9a-fA-F:]+\]):)?(?P<port>[0-9]{1,5})")


def document(state: State) -> dict[str, object]:
    """`status`: ok, applying, failing or stuck; the rest for people."""
    stuck = not state.applying and time.monotonic() - state.beat > STUCK_SECONDS
    status = "applying" if state.applying else "stuck" if stuck else "failing" if state.error else "ok"
    return {
        "status": status,
        "source": state.source,
        "wanted": state.wanted,
        "deployed": state.deployed,
        "error": state.error,
    }


class Endpoint:
    """Answers 200 while all is well or being applied, 503 otherwise; each request has 5 seconds."""

    def __init__(self, place: str, state: State) -> None:
        """`place` is PORT, which is on the loopback, or HOST:PORT. UsageError, or DeployerError where it cannot be had."""
        found = _PLACE.fullmatch(place)
        if found is None or int(found["port"]) > 65535:
            raise UsageError(f"--health: {place[:60]!r} is neither a port nor HOST:PORT", help="such as 127.0.0.1:8099")

        class Answer(BaseHTTPRequestHandler):
            timeout = REQUEST_SECONDS

            def do_GET(self) -> None:
                if self.path not in {"/", "/health", "/healthz"}:
                    self.send_error(404)
                    return
                told = document(state)
                body = json.dumps(told).encode() + b"\n"
                self.send_response(200 if told["status"] in {"ok", "applying"} else 503)
                self.send_header("Content-Type", "application/json")
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_: object) -> None:
                """Supervisors ask every few seconds: no line for each."""

        try:
            self._server = ThreadingHTTPServer(((found["host"] or "127.0.0.1").strip("[]"), int(found["port"])), Answer)
        except OSError as error:
            raise DeployerError(f"--health: {place} cannot be listened on: {error.strerror}") from None
        self._server.daemon_threads = True
        self.port = int(self._server.server_address[1])
        threading.Thread(target=self._server.serve_forever, name="health", daemon=True).start()

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()


def notify(state: State) -> None:
    """Tell systemd that the watcher is ready and what it does, where systemd asked to be told."""
    words = "applying " if state.applying else "trouble: " if state.error else "follows "
    status = words + (state.error if state.error and not state.applying else short(state.wanted) or state.source)
    send(f"READY=1\nSTATUS={status.splitlines()[0][:200]}\n")


def send(text: str) -> None:
    address = os.environ.get("NOTIFY_SOCKET", "")
    if not address.startswith(("/", "@")):
        return
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC) as channel:
        try:
            channel.sendto(text.encode(), "\0" + address[1:] if address.startswith("@") else address)
        except OSError:
            return  # a supervisor that does not listen is no reason to stop
