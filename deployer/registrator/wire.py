"""Answers of the engine and of Consul, bounded in bytes and in seconds, whichever library asks for them.

requests waits so many seconds for each byte, reads what comes to its end, unpacks it, and follows redirects; http.client reads
"100 Continue" for ever. Both read from a socket at one place, http.client.HTTPResponse.fp: it counts and looks at the clock here.
"""

from __future__ import annotations

import contextlib
import http.client
import io
import json
import re
import socket
import threading
import time
from dataclasses import dataclass
from http.cookiejar import DefaultCookiePolicy
from typing import TYPE_CHECKING, Any, Final

import requests
from docker.transport.unixconn import UnixHTTPAdapter, UnixHTTPConnection, UnixHTTPConnectionPool
from requests.adapters import HTTPAdapter
from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.connectionpool import HTTPConnectionPool, HTTPSConnectionPool

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

ANSWER: Final = 16 * 1024 * 1024
"""Bytes of an answer, its head included. 1,000 services are 1.4 MB."""
LINE: Final = 1024 * 1024
"""Bytes of one event. An event holds the labels of its container."""
CHUNK: Final = 65536
LONGEST_REASON: Final = 300
_WHERE_IN_OPENSSL: Final = re.compile(r" \(_ssl\.c:[0-9]+\)")


class AnswerError(requests.RequestException):
    """An answer that is none, or none that may be read to its end. It is an OSError too, as requests' errors are."""


@dataclass(frozen=True)
class Limits:
    seconds: float
    """For the whole of an answer; for a stream, until it begins."""
    answer: int = ANSWER
    line: int = LINE
    clock: Callable[[], float] = time.monotonic


class Budget:
    """What may still be read of one answer."""

    def __init__(self, limits: Limits, sock: socket.socket) -> None:
        self.sock = sock
        self._limits = limits
        self._left = limits.answer
        self._until: float | None = limits.clock() + limits.seconds

    def remaining(self) -> float | None:
        """Seconds; None: for ever. Raises AnswerError where there are none."""
        if self._until is None:
            return None
        left = self._until - self._limits.clock()
        if left <= 0:
            raise AnswerError(f"it does not answer whole within {self._limits.seconds:g} s")
        return left

    def count(self, size: int) -> None:
        """So many bytes came. Raises AnswerError where they are too many."""
        self._left -= size
        if self._left < 0:
            raise AnswerError("its answer is too large")

    def stream(self) -> None:
        """It is a stream: it may pause for ever, and no line of it may be too large. To be said at each line."""
        self._until = None
        self._left = self._limits.line


class _Counted(io.RawIOBase):
    """A socket's bytes, counted."""

    def __init__(self, raw: io.RawIOBase, budget: Budget) -> None:
        super().__init__()
        self._raw = raw
        self._budget = budget
        self._patience = budget.sock.gettimeout()
        """Seconds for the next byte, as urllib3 has set them for this answer."""

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int | None:
        left, patience = self._budget.remaining(), self._patience
        self._budget.sock.settimeout(patience if left is None else left if patience is None else min(left, patience))
        size: int | None = self._raw.readinto(buffer)
        self._budget.count(size or 0)
        return size

    def close(self) -> None:
        self._raw.close()
        super().close()


class _Answer(http.client.HTTPResponse):
    def __init__(self, budget: Budget, *args: Any, **more: Any) -> None:
        super().__init__(budget.sock, *args, **more)
        self.fp = io.BufferedReader(_Counted(self.fp.detach(), budget))


class _Bounds:
    """What the adapters and connections of one client share."""

    def __init__(self, limits: Limits) -> None:
        self._limits = limits
        self._local = threading.local()

    def answer(self, sock: socket.socket, *args: Any, **more: Any) -> _Answer:
        """In the place of http.client.HTTPConnection.response_class."""
        self._local.budget = Budget(self._limits, sock)
        return _Answer(self._local.budget, *args, **more)

    def checked(self, response: requests.Response, *, stream: bool) -> requests.Response:
        """What requests would act on by itself is refused: a redirect, a packed body."""
        response.budget = self._local.budget  # type: ignore[attr-defined] # ours, for `lines`
        if stream:
            response.budget.stream()  # type: ignore[attr-defined] # see above
        packed = response.headers.get("Content-Encoding", "identity").strip().lower()
        wrong = (
            "it redirects"
            if 300 <= response.status_code < 400
            else "its answer is packed"
            if packed != "identity"
            else ""
        )
        if wrong:
            response.close()
            raise AnswerError(wrong)
        return response


def bound(session: requests.Session, limits: Limits, *, parallel: int, socket_path: str = "") -> None:
    """Make a session's requests bounded. `socket_path`: of the unix socket that its `http+docker` and `http+unix` URLs mean."""
    bounds = _Bounds(limits)
    session.trust_env = False  # else each request looks for proxies and ~/.netrc: a third of its time
    session.max_redirects = 0
    session.headers["Accept-Encoding"] = "identity"
    session.cookies.set_policy(DefaultCookiePolicy(allowed_domains=[]))
    if socket_path:
        unix = _unix_adapter(bounds, socket_path, limits.seconds, parallel)
        for scheme in ("http+docker://", "http+unix://"):
            session.mount(scheme, unix)
    for scheme in ("http://", "https://"):
        session.mount(scheme, _tcp_adapter(bounds, parallel))


def lines(response: requests.Response) -> Iterator[bytes]:
    """The lines of a stream as they come, without those that are empty. Raises AnswerError where it is none."""
    if "chunked" not in response.headers.get("Transfer-Encoding", "").lower():
        raise AnswerError("its answer is no stream")
    rest = bytearray()
    for piece in response.iter_content(CHUNK):
        first, *more = piece.split(b"\n")
        rest += first
        for following in more:
            response.budget.stream()  # type: ignore[attr-defined] # see _Bounds.checked
            if rest.strip():
                yield bytes(rest)
            rest = bytearray(following)


def end(response: requests.Response) -> None:
    """End a stream: what reads from it in another thread returns."""
    with contextlib.suppress(OSError):  # it has ended
        response.budget.sock.shutdown(socket.SHUT_RDWR)  # type: ignore[attr-defined] # see _Bounds.checked


def read_json(data: bytes) -> Any:
    """Raises AnswerError where it is no JSON, or nested too deep."""
    try:
        return json.loads(data.decode("utf-8"), parse_constant=_no_number)
    except (ValueError, RecursionError):
        raise AnswerError("its answer is no JSON") from None


def reason(error: BaseException) -> str:
    """Why a request failed, in a few words: our own reason where there is one, else the last of a requests error."""
    for inner in _causes(error):
        if isinstance(inner, AnswerError):
            return str(inner)
    text = _WHERE_IN_OPENSSL.sub("", str(error))
    if isinstance(error, requests.RequestException):  # what is above the reason repeats address and class names
        text = text.rpartition(": ")[2].strip("')\"")
    return text[:LONGEST_REASON] or type(error).__name__


def _causes(error: BaseException) -> Iterator[BaseException]:
    """The error and all that it is made of; urllib3 puts them into its arguments."""
    seen: list[BaseException] = []
    left: list[BaseException | None] = [error]
    while left:
        one = left.pop()
        if one is None or any(one is before for before in seen):
            continue
        seen.append(one)
        yield one
        left += [one.__cause__, one.__context__, *(arg for arg in one.args if isinstance(arg, BaseException))]
        left.append(getattr(one, "reason", None) if isinstance(getattr(one, "reason", None), BaseException) else None)


def _no_number(word: str) -> Any:
    raise ValueError(word)


def _unix_adapter(bounds: _Bounds, path: str, seconds: float, parallel: int) -> HTTPAdapter:
    class Connection(UnixHTTPConnection):  # type: ignore[misc] # docker-py ships no types
        response_class = bounds.answer

    class Pool(UnixHTTPConnectionPool):  # type: ignore[misc] # see above
        def _new_conn(self) -> Any:
            return Connection(self.base_url, self.socket_path, self.timeout)

    class Adapter(UnixHTTPAdapter):  # type: ignore[misc] # see above
        def get_connection(self, url: Any, _proxies: Any = None) -> Any:
            with self.pools.lock:
                pool = self.pools.get(path)
                if pool is None:
                    pool = self.pools[path] = Pool(url, self.socket_path, self.timeout, maxsize=self.max_pool_size)
                return pool

        def send(self, *args: Any, **more: Any) -> requests.Response:
            return bounds.checked(super().send(*args, **more), stream=bool(more.get("stream")))

    return Adapter(f"http+unix://{path}", seconds, max_pool_size=parallel)


def _tcp_adapter(bounds: _Bounds, parallel: int) -> HTTPAdapter:
    class Plain(HTTPConnection):
        response_class: Any = bounds.answer

    class Secure(HTTPSConnection):
        response_class: Any = bounds.answer

    class PlainPool(HTTPConnectionPool):
        ConnectionCls = Plain

    class SecurePool(HTTPSConnectionPool):
        ConnectionCls = Secure

    class Adapter(HTTPAdapter):
        def init_poolmanager(self, *args: Any, **more: Any) -> None:
            super().init_poolmanager(*args, **more)
            self.poolmanager.pool_classes_by_scheme = {"http": PlainPool, "https": SecurePool}

        def send(self, *args: Any, **more: Any) -> requests.Response:
            return bounds.checked(super().send(*args, **more), stream=bool(more.get("stream")))

    return Adapter(pool_maxsize=parallel)


__all__ = ["ANSWER", "AnswerError", "Limits", "bound", "end", "lines", "read_json", "reason"]
