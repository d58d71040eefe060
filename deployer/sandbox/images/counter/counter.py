"""GET / counts a visit in redis and says so; GET /health answers without redis. Listens on port 80."""

import os
import signal
import socket
import sys
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import redis

VISITS = redis.Redis(
    host=os.environ["REDIS_HOST"], socket_connect_timeout=2, socket_timeout=2, health_check_interval=10
)


class Counter(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        if self.path == "/health":
            self._answer(200, "ok\n")
        elif self.path == "/":
            try:
                visit = VISITS.incr("visits")
            except redis.RedisError as error:
                self._answer(503, f"redis: {error}\n")
            else:
                self._answer(200, f"Hello from {socket.gethostname()}: visit {visit}\n")
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
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    ThreadingHTTPServer(("", 80), Counter).serve_forever()
