# ruff: noqa: INP001 - a program in an image, no module of the package
"""GET / counts a visit in redis and says so; GET /health answers without redis. Listens on port 80."""

import os
import signal
import socket
import sys
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

REDIS = (os.environ.get("REDIS_HOST", "redis"), 6379)


def visit() -> int:
    """Count one: INCR in redis's own protocol; raises OSError where redis does not do it."""
    with socket.create_connection(REDIS, timeout=2) as connection, connection.makefile("rb") as answers:
        connection.sendall(b"INCR visits\r\n")
        answer = answers.readline()
    if not answer.startswith(b":"):
        raise OSError(answer.decode(errors="replace").strip() or "redis closed the connection")
    return int(answer[1:])


class Counter(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        if self.path == "/health":
            self._answer(200, "ok\n")
        elif self.path == "/":
            try:
                self._answer(200, f"Hello from {socket.gethostname()}: visit {visit()}\n")
            except OSError as error:
                self._answer(503, f"redis: {error}\n")
        else:
            self._answer(404, "not found\n")

    def _answer(self, status: int, text: str) -> None:
        body = text.encode()
        self.send_response(status)
        self.send_header("Content-Type", "text/plain; charset=utf-8")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)


if __name__ == "__main__":
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))  # the first process of a container ignores it otherwise
    ThreadingHTTPServer(("", 80), Counter).serve_forever()
