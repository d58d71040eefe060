"""What stands in for the world in unit tests: machines that answer from memory and keep what they were asked."""

from __future__ import annotations

import asyncio
import inspect
import json
import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, TypeVar
from urllib.parse import parse_qsl

import h11

from deployer.model.command import Completed
from deployer.remote import Link, Place
from tests.literals.desired import make_cluster, make_node
from tests.waiting import GENEROUS

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine, Mapping

    from deployer.model.cluster import Cluster, Consul, Node, Role, Ssh
    from deployer.model.command import Command

T = TypeVar("T")


def run(coroutine: Coroutine[Any, Any, T], seconds: float = GENEROUS) -> T:
    """The coroutine's result. Fails where it hangs, or leaves tasks running behind it."""
    with asyncio.Runner(loop_factory=_Loop) as runner:
        return runner.run(_bounded(coroutine, seconds))


class _Loop(asyncio.SelectorEventLoop):
    """Its clock goes as the machine's does, and by what `pass_time` adds."""

    added = 0.0
    bound: asyncio.Timeout | None = None
    """Of the whole coroutine, which counts real seconds only."""

    def time(self) -> float:
        return super().time() + self.added


def pass_time(seconds: float) -> None:
    """Move the clock of the loop that runs: for rules about time where there are real sockets and processes."""
    loop = asyncio.get_running_loop()
    assert isinstance(loop, _Loop), "the clock of `run_without_waiting` moves by itself"
    loop.added += seconds
    if loop.bound and (when := loop.bound.when()):
        loop.bound.reschedule(when + seconds)


def run_without_waiting(coroutine: Coroutine[Any, Any, T], seconds: float = 3600.0) -> T:
    """The same by a clock that jumps to the next moment for which anything waits: an hour passes at once, on any machine.

    For what happens in memory. The clock does not wait for sockets and processes: they need `run`.
    """
    import looptime  # noqa: PLC0415 - it imports pytest, which the tests' own programs do without

    with asyncio.Runner(loop_factory=lambda: looptime.new_event_loop(start=1000.0, noop_cycles=1)) as runner:
        return runner.run(_bounded(coroutine, seconds))


async def _bounded(coroutine: Coroutine[Any, Any, T], seconds: float) -> T:
    async with asyncio.timeout(seconds) as bound:
        if isinstance(loop := asyncio.get_running_loop(), _Loop):
            loop.bound = bound
        try:
            result = await coroutine
        except asyncio.CancelledError as error:
            if bound.expired():
                raise AssertionError(
                    f"waited {seconds:g} s for the end of the coroutine; above is where it was"
                ) from error
            raise
    await asyncio.sleep(0)
    left = [task for task in asyncio.all_tasks() if task is not asyncio.current_task()]
    assert not left, f"still running: {left}"
    return result


def node(name: str = "m1", address: str = "127.0.0.1", *, role: Role = "manager", consul: bool = False,
         ssh: Ssh | None = None) -> Node:  # fmt: skip
    """A machine that is this one."""
    return make_node(name, role, address=address, consul="server" if consul else None, ssh=ssh)


def cluster(*nodes: Node, known_hosts: str = "", consul: Consul | None = None) -> Cluster:
    return make_cluster(*nodes, name="test", known_hosts=known_hosts, consul=consul)


@dataclass(frozen=True)
class Request:
    """A request as it came, without the API version before its path; `body` is its JSON, an archive as bytes."""

    line: str
    """`POST /services/create`"""
    query: Mapping[str, str]
    body: Any
    headers: Mapping[str, str]
    place: Place


class Turns:
    """Answers that are given one after the other."""

    def __init__(self, *answers: Any) -> None:
        self._left = list(answers)

    def take(self, key: str) -> Any:
        assert self._left, f"{key} is asked once more than expected"
        return self._left.pop(0)


@dataclass
class FakeConnection:
    """A machine that answers from memory, and keeps what it was asked.

    `answers` maps request lines (`GET /info`) to what is answered: JSON with status 200, (status, JSON or bytes[, headers]), an
    exception to raise, a function of the request that returns one of these or waits for ever, or Turns of all these. `outputs` maps the first word of a command to its end, likewise. What is in neither is an error of the test.
    """

    answers: dict[str, Any] = field(default_factory=dict)
    outputs: dict[str, Any] = field(default_factory=dict)
    requests: list[Request] = field(default_factory=list)
    commands: list[Command] = field(default_factory=list)
    streams: int = 0
    """How many are open."""

    def __post_init__(self) -> None:
        self.outputs.setdefault("perl", Completed(127, "", ""))  # ports are looked at on real machines
        self.answers.setdefault("GET /version", {"Version": "26.1.5", "ApiVersion": "1.45"})

    async def run(self, command: Command, on_line: Callable[[str], None] | None = None) -> Completed:
        self.commands.append(command)
        completed: Completed = await _next(self.outputs, command.argv[0], command)
        if on_line:
            for line in completed.stdout.splitlines():
                on_line(line)
        return completed

    async def open(self, place: Place) -> FakeStream:
        await _next(self.answers, "open", place) if "open" in self.answers else None
        self.streams += 1
        return FakeStream(self, place)

    async def close(self) -> None:
        pass

    @property
    def lines(self) -> list[str]:
        """The request lines, without the question for the version."""
        return [request.line for request in self.requests if request.line != "GET /version"]


class FakeStream:
    """The server's end of a stream, in the same place: a request goes in, its answer comes out."""

    def __init__(self, connection: FakeConnection, place: Place) -> None:
        self._connection = connection
        self._place = place
        self._http = h11.Connection(h11.SERVER)
        self._open = True

    async def write(self, data: bytes) -> None:
        self._http.receive_data(data)

    async def read(self, _limit: int) -> bytes:
        assert self._open, "read from a closed stream"
        head = self._http.next_event()
        assert isinstance(head, h11.Request)
        body = b""
        while isinstance(event := self._http.next_event(), h11.Data):
            body += event.data
        assert isinstance(event, h11.EndOfMessage)
        path, _, query = head.target.decode().partition("?")
        line = f"{head.method.decode()} {re.sub('^/v[0-9]+[.][0-9]+/', '/', path)}"
        headers = {name.decode(): value.decode() for name, value in head.headers}
        archive = headers.get("content-type") == "application/x-tar"
        told = bytes(body) if archive else json.loads(body or b"null")
        request = Request(line, dict(parse_qsl(query)), told, headers, self._place)
        self._connection.requests.append(request)
        answer = await _next(self._connection.answers, line, request)
        status, content, *more = answer if isinstance(answer, tuple) else (200, answer)
        data = content if isinstance(content, bytes) else json.dumps(content).encode()
        fields = {"Content-Length": str(len(data)), **(more[0] if more else {})}
        response = h11.Response(status_code=status, headers=list(fields.items()))
        sent = [self._http.send(event) or b"" for event in (response, h11.Data(data=data), h11.EndOfMessage())]
        self._http.start_next_cycle()
        return b"".join(sent)

    def close(self) -> None:
        self._connection.streams -= self._open
        self._open = False


async def _next(table: Mapping[str, Any], key: str, asked: Any) -> Any:
    assert key in table, f"nobody expects {key}: {asked}"
    answer = table[key]
    if isinstance(answer, Turns):
        answer = answer.take(key)
    if callable(answer):
        answer = answer(asked)
        if inspect.isawaitable(answer):
            answer = await answer
    if isinstance(answer, BaseException):
        raise answer
    return answer


def link(machines: Mapping[str, FakeConnection | BaseException], members: Cluster | None = None) -> Link:
    """A Link whose machines are these; an exception is what reaching that machine ends in."""

    async def connect(wanted: Node) -> FakeConnection:
        found = machines[wanted.name]
        if isinstance(found, BaseException):
            raise found
        return found

    return Link(members or cluster(*(node(name) for name in machines)), connect)
