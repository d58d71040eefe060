"""The registrator's engine, whatever answers at its socket: a typed error after so many bytes, a line in the log, and on it goes."""

from __future__ import annotations

import gc
import io
import json
import socket
import threading
from dataclasses import replace
from itertools import chain, count, repeat
from typing import TYPE_CHECKING, Any

import pytest

from deployer.registrator.address import Uri
from deployer.registrator.engine import Engine, EngineError
from deployer.registrator.events import NoEventError, decide
from deployer.registrator.flags import read_flags
from deployer.registrator.reconcile import Reconciler
from deployer.registrator.run import Registrator
from deployer.registrator.wire import AnswerError, Budget, Limits, _Answer
from tests.docker.hostile import BROKEN, MEBI, SLOW, STREAMS, Hostile, answer, chunked, event, on_socket
from tests.registrator.boxes import HOST, ID, box, options
from tests.registrator.routed import routed_consul
from tests.registrator.test_reconcile import P80, A, Agent
from tests.waiting import GENEROUS, wait_until

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from pathlib import Path

pytestmark = pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
"""Connections that an answer broke are closed when they are collected: here, and not in another module's tests, see `_collected`."""


@pytest.fixture(autouse=True, scope="module")
def _collected() -> Iterable[None]:
    """Once for all: a collection takes a quarter of a second."""
    yield
    gc.collect()


SLACK = 2 * MEBI
SMALL = Limits(60, answer=MEBI // 16, line=MEBI // 16)
HONEST = {"ID": "E", "Name": "slave"}


def asked(
    path: Path, hostile: Hostile, monkeypatch: pytest.MonkeyPatch, ask: Callable[[Engine], Any], limits: Limits = SMALL
) -> Any:
    """What the client gets there, or the error; then that it is served an honest answer."""
    hostile.answers["/info"] = lambda: [answer(HONEST)]
    with on_socket(path / "s", hostile) as place:
        monkeypatch.setenv("DOCKER_HOST", f"unix://{place}")
        engine = None
        try:
            engine = Engine(2, limits)
            try:
                found = ask(engine)
            except EngineError as error:
                found = error
            assert info(engine) == HONEST
        except EngineError as error:
            assert "/version" in hostile.answers
            found = error
        finally:
            if engine is not None:
                engine.close()
    return found


def info(engine: Engine) -> Any:
    """The connection of before may be closed by now, which is noticed when it is used again, and once."""
    try:
        return engine.info()
    except EngineError:
        return engine.info()


ASKING: dict[str, Callable[[Engine], Any]] = {
    "inspect": lambda engine: engine.inspect(ID),
    "list": lambda engine: engine.running(),
    "events": lambda engine: [*engine.events(0)],
}


@pytest.mark.parametrize("how", ASKING)
@pytest.mark.parametrize("row", BROKEN)
def test_an_answer_that_is_none(
    row: str, how: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    hostile = Hostile({"*": BROKEN[row]})
    error = asked(tmp_path, hostile, monkeypatch, ASKING[how])
    assert isinstance(error, EngineError), error
    assert len(str(error)) <= 400
    assert hostile.sent <= MEBI // 16 + SLACK
    assert capfd.readouterr() == ("", ""), "libraries print nothing either"
    assert not any("leave" in line for line in hostile.asked), "a redirect was followed"


@pytest.mark.parametrize("row", BROKEN)
def test_an_answer_to_the_question_for_its_version_that_is_none(
    row: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    error = asked(tmp_path, Hostile({"/version": BROKEN[row]}), monkeypatch, lambda _: None)
    assert isinstance(error, EngineError), error


@pytest.mark.parametrize("version", [None, 7, "", "1", "1.x", "v1.45", "1.45/../..", "1.45\n", "99999.1", ["1.45"]])
def test_a_version_that_is_none(version: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    hostile = Hostile({"/version": lambda: [answer({"ApiVersion": version})]})
    assert isinstance(asked(tmp_path, hostile, monkeypatch, lambda _: None), EngineError)


@pytest.mark.parametrize("row", SLOW)
def test_an_answer_that_does_not_come(row: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def impatient(engine: Engine) -> Any:
        patient, engine._limits = engine._limits, replace(engine._limits, seconds=0.3)
        try:
            return engine.inspect(ID)
        finally:
            engine._limits = patient  # an honest answer may take longer on a busy machine

    hostile = Hostile({"*": SLOW[row]})
    assert isinstance(asked(tmp_path, hostile, monkeypatch, impatient), EngineError)


class Dripping(io.RawIOBase):
    """One byte at a time, for ever."""

    def __init__(self, data: bytes, more: bytes) -> None:
        self._bytes = chain(data, repeat(more[0]))
        self.given = 0

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        buffer[0] = next(self._bytes)
        self.given += 1
        return 1


class Socket:
    """As much of a socket as http.client wants."""

    def __init__(self, raw: Dripping) -> None:
        self._raw = raw

    def makefile(self, _: str) -> io.BufferedReader:
        return io.BufferedReader(self._raw)

    def gettimeout(self) -> float:
        return 10.0

    def settimeout(self, seconds: float | None) -> None:
        assert seconds is None or 0 < seconds <= 10


def read_all(answer: _Answer) -> None:
    answer.begin()
    answer.read(50_000)


@pytest.mark.parametrize(
    "beginning", [b"", b"HTTP/1.1 200 OK\r\nX: ", b"HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\n"]
)
def test_an_answer_that_drips_has_one_time_for_all_of_it(beginning: bytes) -> None:
    """A second for each byte, by a clock that the test gives: the wait for each byte alone would never end."""
    ticks = count()
    raw = Dripping(beginning, b"x")
    made: Any = Socket(raw)
    budget = Budget(Limits(100, clock=lambda: float(next(ticks))), made)
    with pytest.raises(AnswerError, match="does not answer whole within 100 s"):
        read_all(_Answer(budget, method="GET"))
    assert raw.given <= 100


def test_a_stream_may_pause_for_ever_and_has_no_piece_without_an_end() -> None:
    ticks = count()
    raw = Dripping(b"HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\n", b"x")
    made: Any = Socket(raw)
    budget = Budget(Limits(1000, line=2000, clock=lambda: float(next(ticks))), made)
    read = _Answer(budget, method="GET")
    read.begin()
    budget.stream()
    for _ in range(5):
        assert len(read.read(1500)) == 1500
        budget.stream()
    with pytest.raises(AnswerError, match="too large"):
        read.read(3000)


@pytest.mark.parametrize("row", STREAMS)
def test_a_stream_of_events_that_begins_well(row: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    hostile = Hostile({"/events": STREAMS[row]})
    seen: list[Any] = []
    error = asked(tmp_path, hostile, monkeypatch, lambda engine: seen.extend(engine.events(0)))
    assert isinstance(error, EngineError), error
    assert seen == [json.loads(event())]
    assert hostile.sent <= MEBI // 16 + SLACK


@pytest.mark.parametrize(
    "told",
    [
        {"Actor": "x"},
        {"Actor": {"ID": "a" * 64, "Attributes": "x"}},
        {"Actor": {"ID": "../../leave"}},
        {"Actor": {"ID": "A" * 64}},
        {"Actor": {"ID": "a" * 64 + "\n"}},
        {"Actor": {"ID": ["a"]}},
        {"Type": "network", "Action": "connect", "Actor": {"Attributes": {"container": "../x\x1b[2J"}}},
    ],
)
def test_an_event_that_is_none_is_about_nobody(told: dict[str, Any]) -> None:
    with pytest.raises(NoEventError) as caught:
        decide(json.loads(event()) | told, {}, options())
    assert str(caught.value).isprintable()


@pytest.mark.parametrize(
    "told",
    [
        {"Type": ["container"]},
        {"Type": "container", "Action": {"start": 1}},
        {"Type": "container", "Actor": None},
        {"Type": "container", "Actor": {"ID": ""}},
        {"Type": "network", "Action": "connect", "Actor": {}},
        {"Type": None, "Action": None},
        {},
    ],
)
def test_an_event_that_says_nothing(told: dict[str, Any]) -> None:
    assert decide(told, {}, options()) is None


@pytest.mark.parametrize("code", ["", "x", "-1", "9" * 5000, "\u00b2", None, ["1"]])
@pytest.mark.parametrize("argv", [(), ("-deregister=on-success",)])
def test_an_exit_code_that_is_none(code: Any, argv: tuple[str, ...]) -> None:
    told = json.loads(event(Action="die", Actor={"ID": "a" * 64, "Attributes": {"exitCode": code}}))
    assert decide(told, {}, options(*argv)) is not None


ODD: dict[str, dict[str, Any]] = {
    "another container": box(P80, id_="f" * 64),
    "a text for its settings": {"Id": A, "Config": "?", "State": {"Running": True}},
    "a list for its state": {**box(P80, id_=A), "State": ["x"]},
    "a text for its ports": {**box(P80, id_=A), "NetworkSettings": {"Ports": "x"}},
    "a list for its labels": box(P80, id_=A, config={"Labels": ["SERVICE_ID=x"]}),
    "a number for its environment": box(P80, id_=A, config={"Env": 7}),
    "a list for its networks": {**box(P80, id_=A), "NetworkSettings": {"Ports": {}, "Networks": ["x"]}},
    "an exit code without an end": box(P80, id_=A, state={"ExitCode": float("inf")}),
    "a time to stop that is none": box(P80, id_=A, config={"StopTimeout": "soon"}),
    "a mode that leads elsewhere": box(P80, id_=A, mode="container:../../swarm"),
}


@pytest.mark.parametrize("row", ODD)
def test_a_container_of_another_form_is_a_line_and_the_others_go_on(row: str) -> None:
    engine, agent = Engines(), Agent()
    said: list[str] = []
    state = Reconciler(options(), agent, said.append, lambda _: None)  # type: ignore[arg-type]  # a fake
    state.engine, state.host = engine, HOST  # type: ignore[assignment]  # a fake
    engine.boxes = {A: ODD[row], "b" * 64: box(P80, id_="b" * 64, name="honest")}
    from deployer.registrator.events import Look  # noqa: PLC0415 - beside its only use

    for owner in engine.boxes:
        state.do(Look(owner))
    assert agent.done == ["register slave:honest:80"]
    assert len(said) == 2
    assert said[0].startswith((f"{A[:12]}: not understood: ", f"unable to inspect container: {A[:12]}: "))
    assert "Error" not in said[0], "a name of Python's is no word of ours"


class Engines:
    """One that quotes as the real one does."""

    boxes: dict[str, dict[str, Any]]

    def inspect(self, container: str) -> Any:
        from deployer.model.path import BadPathError, segment  # noqa: PLC0415 - see above

        try:
            segment(container)
        except BadPathError as error:
            raise EngineError(str(error)) from None
        return self.boxes.get(container)


@pytest.mark.parametrize("port", ["0/tcp", "65536/tcp", "-1/tcp", "80/../x", "x", "9" * 5000, "80/tcp/udp", "80/TCP\n"])
def test_a_port_that_is_none_is_not_there(port: str) -> None:
    from tests.registrator.boxes import found  # noqa: PLC0415 - see above

    assert [one.port for one in found(box({port: "8080", "80/tcp": "8081"})).services] == [8081]
    assert found(box({"80/tcp": port})).services == ()


def test_the_whole_program_goes_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    """Junk for events, for one container and for the swarm: the honest container is in the catalogue, and nothing else happens."""
    honest, evil = "a" * 64, "b" * 64
    listed = [{"Id": honest}, {"Id": evil}, {"Id": "../../leave"}, {"Id": 7}, {}]
    streams = iter(STREAMS.values())

    def stream() -> Iterable[bytes | None]:
        return next(streams, lambda: chunked(event(Actor={"ID": "../../leave\x1b[2J"}) + b"\n"))()

    hostile = Hostile({
        "/info": lambda: [answer({"ID": "E", "Name": "slave\x1b[2J", "Swarm": {"ControlAvailable": True, "NodeID": "../x"}})],
        "/containers/json": lambda: [answer(listed)],
        f"/containers/{honest}/json": lambda: [answer(box(P80, id_=honest, name="honest"))],
        f"/containers/{evil}/json": BROKEN["nested deep"],
        "/events": stream,
    })  # fmt: skip
    monkeypatch.setattr("deployer.registrator.run.FIRST_WAIT", 0.01)
    monkeypatch.setattr("deployer.registrator.run.LONGEST_WAIT", 0.05)
    monkeypatch.setattr(socket, "gethostname", lambda: "slave")
    stop = threading.Event()
    with routed_consul() as consul, on_socket(tmp_path / "s", hostile) as place:
        monkeypatch.setenv("DOCKER_HOST", f"unix://{place}")
        flags = read_flags(("-ip=203.0.113.11", f"consul://127.0.0.1:{consul.server_port}"))
        program = Registrator(flags, stop)
        running = threading.Thread(target=program.run)
        running.start()
        try:
            wait_until(lambda: "slave:honest:80" in consul.services, saw=lambda: consul.asked[-3:])
            wait_until(
                lambda: sum("/events?" in line for line in hostile.asked) > len(STREAMS) + 1,
                "a stream of events more than there are hostile ones",
                saw=lambda: hostile.asked[-5:],
            )
            assert running.is_alive()
        finally:
            stop.set()
            running.join(GENEROUS)
        assert not running.is_alive()
        assert {*consul.services} == {"slave:honest:80"}
        assert not consul.left
    said = capfd.readouterr().err
    assert "Traceback" not in said
    assert all(line.isprintable() for line in said.splitlines())
    assert f"unable to inspect container: {evil[:12]}" in said
    assert "ignored: an event is about '../../leave\\x1b[2J', which is no container's id" in said


def test_a_token_reaches_nobody_but_consul(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Not the engine, and not where an answer of Consul's would lead."""
    from deployer.registrator.agent import Agent as RealAgent  # noqa: PLC0415 - see above
    from deployer.registrator.agent import AgentDownError  # noqa: PLC0415 - see above

    hostile = Hostile({"*": BROKEN["a redirect to a machine"]})
    with on_socket(tmp_path / "s", hostile) as place:
        agent = RealAgent(Uri("consul-unix", socket=place), {"CONSUL_HTTP_TOKEN": "canary"}, 1)
        with pytest.raises(AgentDownError, match="it redirects"):
            agent.leader()
        agent.close()
    assert len(hostile.asked) == 1


@pytest.mark.parametrize("row", BROKEN)
def test_a_consul_that_is_none(row: str, tmp_path: Path) -> None:
    from deployer.registrator.agent import Agent as RealAgent  # noqa: PLC0415 - see above
    from deployer.registrator.agent import AgentError  # noqa: PLC0415 - see above

    hostile = Hostile({"*": BROKEN[row]})
    with on_socket(tmp_path / "s", hostile) as place:
        agent = RealAgent(Uri("consul-unix", socket=place), {}, 1, SMALL)
        with pytest.raises(AgentError) as caught:
            agent.snapshot("E")
        agent.close()
    assert len(str(caught.value)) <= 400
    assert hostile.sent <= MEBI // 16 + SLACK
