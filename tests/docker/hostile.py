"""Something on the engine's socket that is none: a server that answers with whatever bytes a test wants, for as long as somebody reads.

The table has the answers; both clients are tried with each of them, ours for machines (tests/docker) and the registrator's.
"""

from __future__ import annotations

import gzip
import json
import socket
import threading
import zlib
from collections.abc import Callable, Iterable
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cache
from itertools import chain, repeat
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

Answer = Callable[[], Iterable[bytes | None]]
"""The pieces that are sent; None: nothing more until the other side hangs up."""
VERSION: Final = {"Version": "26.1.5", "ApiVersion": "1.45"}
MEBI: Final = 1024 * 1024


def answer(body: Any, status: str = "200 OK", *more: str) -> bytes:
    """A whole answer."""
    content = body if isinstance(body, bytes) else json.dumps(body).encode()
    return head(status, f"Content-Length: {len(content)}", *more) + content


def head(status: str = "200 OK", *fields: str) -> bytes:
    return "\r\n".join((f"HTTP/1.1 {status}", *fields, "", "")).encode()


def chunked(*chunks: bytes) -> Iterable[bytes]:
    """A stream's beginning; it ends with the connection."""
    yield head("200 OK", "Transfer-Encoding: chunked")
    for chunk in chunks:
        yield f"{len(chunk):x}\r\n".encode() + chunk + b"\r\n"


@dataclass
class Hostile:
    """`answers` has what is sent for a path (without version and query); a path that is not there gets the answer under `*`."""

    answers: dict[str, Answer] = field(default_factory=dict)
    sent: int = 0
    asked: list[str] = field(default_factory=list)

    def serve(self, stream: socket.socket) -> None:
        with stream:
            try:
                while self._turn(stream):
                    pass
            except OSError:
                pass  # nobody reads any more

    def _turn(self, stream: socket.socket) -> bool:
        """Whether the connection may be used again."""
        asked = b""
        while b"\r\n\r\n" not in asked:
            piece = stream.recv(65536)
            if not piece:
                return False
            asked += piece
        line = asked.split(b"\r\n")[0].decode()
        self.asked.append(line)
        path = line.split(" ")[1].partition("?")[0]
        path = "/" + path.split("/", 2)[2] if path.startswith("/v1.") else path
        if path == "/version" and "/version" not in self.answers:
            stream.sendall(answer(VERSION))
            return True
        for sent in self.answers.get(path, self.answers.get("*", list))():
            if sent is None:
                return bool(stream.recv(1))
            stream.sendall(sent)
            self.sent += len(sent)
        return path in KEPT


KEPT: Final = frozenset({"/info"})


@contextmanager
def on_socket(path: Path, hostile: Hostile) -> Iterator[str]:
    """Serve on a unix socket; its path."""
    listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    listener.bind(str(path))
    listener.listen()
    threads: list[threading.Thread] = []
    streams: list[socket.socket] = []

    def accept() -> None:
        while True:
            try:
                stream, _ = listener.accept()
            except OSError:
                return
            streams.append(stream)
            threads.append(threading.Thread(target=hostile.serve, args=(stream,), daemon=True))
            threads[-1].start()

    accepting = threading.Thread(target=accept, daemon=True)
    accepting.start()
    try:
        yield str(path)
    finally:
        listener.shutdown(socket.SHUT_RDWR)
        listener.close()
        for stream in streams:
            try:
                stream.shutdown(socket.SHUT_RDWR)
            except OSError:
                continue
        accepting.join(60)
        for thread in threads:
            thread.join(60)
        assert not any(thread.is_alive() for thread in (accepting, *threads))


def _forever(piece: bytes) -> Iterable[bytes]:
    return repeat(piece)


def silence() -> Iterable[bytes | None]:
    """Nothing, for as long as the other side waits."""
    yield None


@cache
def _bomb() -> bytes:
    """256 MiB of spaces and a word, in 256 KiB."""
    packer = zlib.compressobj(9, zlib.DEFLATED, 31)
    packed = [packer.compress(b" " * MEBI) for _ in range(256)]
    return b"".join((*packed, packer.flush()))


def _raw(*pieces: bytes) -> Callable[[], Iterable[bytes]]:
    return lambda: pieces


def _then(first: bytes, more: bytes) -> Callable[[], Iterable[bytes]]:
    return lambda: chain((first,), _forever(more))


CHUNKS: Final = head("200 OK", "Transfer-Encoding: chunked")
BROKEN: Final[dict[str, Answer]] = {
    # --- no HTTP
    "nothing": _raw(),
    "not HTTP": _raw(b"SSH-2.0-OpenSSH_9.2\r\n"),
    "another protocol's status line": _raw(b"ICY 200 OK\r\n\r\n{}"),
    "HTTP/2": _raw(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\4\0\0\0\0\0"),
    "half a status line": _raw(b"HTTP/1.1 20"),
    "a status that is none": _raw(answer({}, "2OO OK")),
    "endless bytes that are no HTTP": lambda: _forever(b"\0" * 65536),
    # --- heads
    "an endless header": _then(b"HTTP/1.1 200 OK\r\nX: ", b"x" * 65536),
    "endless headers": _then(b"HTTP/1.1 200 OK\r\n", b"X-Header: yes\r\n" * 1000),
    "a header without a name": _raw(b"HTTP/1.1 200 OK\r\n: x\r\nContent-Length: 2\r\n\r\n{"),
    "control characters in a header, and no body": _raw(b"HTTP/1.1 200 OK\r\nX: \x1b[2J\r\nContent-Length: 9\r\n\r\n"),
    "endless interim answers": lambda: _forever(b"HTTP/1.1 100 Continue\r\n\r\n" * 100),
    "an upgrade that nobody asked for": _raw(head("101 Switching Protocols", "Upgrade: tcp", "Connection: Upgrade")),
    # --- lengths
    "an endless body": _then(head(), b" " * 65536),
    "a body that is shorter than it says": _raw(head("200 OK", "Content-Length: 100"), b'{"ID": 1'),
    "a length of many digits": _raw(head("200 OK", "Content-Length: " + "9" * 30), b"{}"),
    "an endless body of such a length": _then(head("200 OK", "Content-Length: " + "9" * 18), b" " * 65536),
    "a negative length": _raw(head("200 OK", "Content-Length: -1"), b'{"ID"'),
    "two lengths": _raw(head("200 OK", "Content-Length: 2", "Content-Length: 7"), b"{}     "),
    "a body that is not there": _raw(head("204 No Content")),
    # --- chunks
    "a chunk's size that is none": _raw(CHUNKS, b"zz\r\n{}\r\n"),
    "a chunk's size below nothing": _then(CHUNKS + b"-1\r\n", b" " * 65536),
    "a chunk that is larger than memory": _then(CHUNKS + b"ffffffffff\r\n", b" " * 65536),
    "a chunk that is cut off": _raw(CHUNKS, b"10\r\n{"),
    "chunks without a last one": _raw(CHUNKS, b"2\r\n{}\r\n"),
    "endless chunks of one byte": _then(CHUNKS, b"1\r\n \r\n" * 1000),
    "an endless size of a chunk": _then(CHUNKS, b"0" * 65536),
    "an endless extension of a chunk": _then(CHUNKS + b"2;x=", b"x" * 65536),
    "endless trailers": _then(CHUNKS + b"2\r\n{}\r\n0\r\n", b"X-Trailer: yes\r\n" * 1000),
    # --- encodings
    "a gzip bomb": lambda: [answer(_bomb(), "200 OK", "Content-Encoding: gzip")],
    "packed, and nobody asked for it": _raw(answer(gzip.compress(b"{}"), "200 OK", "Content-Encoding: gzip")),
    "packed twice": _raw(answer(gzip.compress(gzip.compress(b"{}")), "200 OK", "Content-Encoding: gzip, gzip")),
    "packed by something unknown": _raw(answer(b"x", "200 OK", "Content-Encoding: evil")),
    # --- elsewhere
    "a redirect to a machine": _raw(answer(b"", "301 Moved", "Location: http://203.0.113.1/")),
    "a redirect to a path": _raw(answer(b"", "307 Temporary Redirect", "Location: /v1.45/swarm/leave?force=1")),
    "a redirect that is no text": _raw(b"HTTP/1.1 302 Found\r\nLocation: \xff\xfe\r\nContent-Length: 0\r\n\r\n"),
    # --- refusals
    "endless words of refusal": _then(head("500 Internal Server Error"), b"no " * 20_000),
    "a refusal for a terminal": _raw(answer({"message": "\x1b[2J\x1b]0;x\x07\u202e" + "x" * 5000}, "500 Internal Server Error")),
    "a refusal of another form": _raw(answer({"message": {"a": ["b"]}}, "500 Internal Server Error")),
    "a refusal that is nested deep": _raw(answer(b"[" * 100_000, "500 Internal Server Error")),
    # --- JSON
    "no JSON": _raw(answer(b"<html>\x1b[2J</html>")),
    "half of it": _raw(answer(b'{"ID": "x"')),
    "not UTF-8": _raw(answer(b'{"ID": "\xff"}')),
    "UTF-16": _raw(answer('{"ID": "x"}'.encode("utf-16"))),
    "nested deep": _raw(answer(b"[" * 200_000)),
    "nested deep, and closed": _raw(answer(b'{"a":' * 100_000 + b"1" + b"}" * 100_000)),
    "no number": _raw(answer(b'{"ID": NaN}')),
    "an endless number": _raw(answer(b'{"ID": Infinity}')),
    "a number of many digits": _raw(answer(b'{"ID": ' + b"9" * 5000)),
    "null": _raw(answer(None)),
    "a text": _raw(answer("x")),
    "a list": _raw(answer([1])),
    "a list of lists": _raw(answer([[]])),
}  # fmt: skip
"""What ends in an error at once, or after so many bytes."""


SLOW: Final[dict[str, Answer]] = {
    "silence": silence,
    "silence after the head": lambda: chain((head("200 OK", "Content-Length: 2"),), silence()),
    "silence within a chunk": lambda: chain((CHUNKS + b"5\r\n{",), silence()),
}
"""What ends when the time is up."""


def event(**more: Any) -> bytes:
    return json.dumps({"Type": "container", "Action": "start", "Actor": {"ID": "a" * 64}} | more).encode()


STREAMS: Final[dict[str, Answer]] = {
    "words": lambda: chunked(event() + b"\n", b"hello\n"),
    "bytes": lambda: chunked(event() + b"\n", b"\xff\xfe\0\n"),
    "a list": lambda: chunked(event() + b"\n", b"[]\n"),
    "null": lambda: chunked(event() + b"\n", b"null\n"),
    "no number": lambda: chunked(event() + b"\n", b'{"time": NaN}\n'),
    "nested deep": lambda: chunked(event() + b"\n", b"[" * 50_000 + b"\n"),
    "an event without an end": lambda: chain(chunked(event() + b"\n"), _forever(b"1\r\nx\r\n" * 100)),
    "an event in one endless chunk": lambda: chain(
        chunked(event() + b"\n"), (b"ffffffff\r\n",), _forever(b"x" * 65536)
    ),
    "a chunk's size below nothing": lambda: chain(chunked(event() + b"\n"), (b"-1\r\n",), _forever(b"x" * 65536)),
    "cut off within an event": lambda: chunked(event() + b"\n", event()[:20]),
    "cut off within a chunk": lambda: chain(chunked(event() + b"\n"), (b"50\r\n{",)),
}
"""Streams of events that begin well."""
