"""Whatever answers at an engine's socket: a typed error, after a number of bytes that is known before; and the next request is served."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

import pytest

from deployer.docker import Engine, EngineError
from deployer.docker.engine import LONGEST_MESSAGE, SOCKET
from deployer.errors import TimedOutError
from deployer.remote import ConnectionFailedError
from deployer.remote.local import LocalConnection
from tests.docker.hostile import BROKEN, MEBI, SLOW, Hostile, answer, on_socket

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine, Iterable
    from pathlib import Path

LIMIT = MEBI // 16
SLACK = 2 * MEBI
"""What the sockets' buffers hold, and what a client has read at once."""
ERRORS = (EngineError, ConnectionFailedError, TimedOutError)


def asked(path: Path, hostile: Hostile, ask: Callable[[Engine], Coroutine[Any, Any, Any]]) -> Any:
    """What the client gets there, or the error; then that it is served an honest answer."""

    async def scenario(socket: str) -> Any:
        connection = LocalConnection({SOCKET.path: socket})
        engine = Engine(connection)
        try:
            found: Any = None
            try:
                found = await ask(engine)
            except ERRORS as error:
                found = error
            if "/version" not in hostile.answers:
                assert await engine.get("/info") == {"ID": "E"}
            return found
        finally:
            engine.close()
            await connection.close()

    hostile.answers["/info"] = lambda: [answer({"ID": "E"})]
    with on_socket(path / "s", hostile) as socket:
        return asyncio.run(asyncio.wait_for(scenario(socket), 120))


@pytest.fixture(autouse=True)
def small(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("deployer.remote.http.BODY_LIMIT", LIMIT)
    monkeypatch.setattr("deployer.remote.http.LINE_LIMIT", LIMIT // 16)


@pytest.mark.parametrize("row", BROKEN)
def test_an_answer_that_is_none(row: str, tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    hostile = Hostile({"/x": BROKEN[row]})
    error = asked(tmp_path, hostile, lambda engine: engine.get("/x"))
    assert isinstance(error, (EngineError, ConnectionFailedError)), error
    assert len(error.message) <= LONGEST_MESSAGE + 3
    assert hostile.sent <= LIMIT + SLACK
    assert capfd.readouterr() == ("", "")
    assert not any("leave" in line for line in hostile.asked), "a redirect was followed"


@pytest.mark.parametrize("row", BROKEN)
def test_an_answer_to_the_question_for_its_version_that_is_none(row: str, tmp_path: Path) -> None:
    error = asked(tmp_path, Hostile({"/version": BROKEN[row]}), lambda engine: engine.version())
    assert isinstance(error, (EngineError, ConnectionFailedError)), error


@pytest.mark.parametrize("row", BROKEN)
def test_a_stream_that_is_none(row: str, tmp_path: Path) -> None:
    """What a log or a build says is anything; a stream without an end goes on for as long as somebody reads."""
    hostile = Hostile({"/x": BROKEN[row]})

    async def read(engine: Engine) -> int:
        size = 0
        async for chunk in engine.stream("/x", silence=60):
            size += len(chunk)
            if size > LIMIT // 16:
                break
        return size

    found = asked(tmp_path, hostile, read)
    assert isinstance(found, (int, EngineError, ConnectionFailedError)), found
    assert hostile.sent <= LIMIT + SLACK


@pytest.mark.parametrize("row", BROKEN)
def test_a_pull_that_is_none(row: str, tmp_path: Path) -> None:
    hostile = Hostile({"/images/create": BROKEN[row]})

    async def read(engine: Engine) -> list[str]:
        return [word async for word in engine.pull("redis:7")]

    found = asked(tmp_path, hostile, read)
    assert isinstance(found, (list, EngineError, ConnectionFailedError)), found
    assert hostile.sent <= LIMIT + SLACK


@pytest.mark.parametrize("row", [row for row in BROKEN if "redirect" in row])
@pytest.mark.parametrize("ask", ["post", "delete", "raw"])
def test_a_redirect_is_no_success(row: str, ask: str, tmp_path: Path) -> None:
    error = asked(tmp_path, Hostile({"/x": BROKEN[row]}), lambda engine: getattr(engine, ask)("/x"))
    assert isinstance(error, (EngineError, ConnectionFailedError)), error


@pytest.mark.parametrize("row", SLOW)
def test_an_answer_that_does_not_come(row: str, tmp_path: Path) -> None:
    error = asked(tmp_path, Hostile({"/x": SLOW[row]}), lambda engine: engine.post_slowly("/x", {}, 0.2))
    assert isinstance(error, TimedOutError)


def test_an_answer_that_drips_ends_with_its_time_not_with_its_last_byte(tmp_path: Path) -> None:
    def drip() -> Iterable[bytes]:
        yield b"HTTP/1.1 200 OK\r\nContent-Length: 1000000000\r\n\r\n"
        while True:
            yield b" "

    error = asked(tmp_path, Hostile({"/x": drip}), lambda engine: engine.post_slowly("/x", {}, 0.2))
    assert isinstance(error, (TimedOutError, ConnectionFailedError))


def test_of_two_keys_the_last_one_counts_as_for_the_engines_own_client(tmp_path: Path) -> None:
    body = b'{"Id": "first", "Id": "last"}'
    assert asked(tmp_path, Hostile({"/x": lambda: [answer(body)]}), lambda engine: engine.get("/x")) == {"Id": "last"}


@pytest.mark.parametrize("id_", ["../../x", "", "a/../b", None, 7, ["x"], {"a": 1}, "\ud800"])
def test_an_id_that_an_engine_answers_with_leads_nowhere_else(id_: Any, tmp_path: Path) -> None:
    hostile = Hostile({"/containers/json": lambda: [answer([{"Id": id_}])]})

    async def follow(engine: Engine) -> None:
        from deployer.docker import segment  # noqa: PLC0415 - as the callers do

        (told,) = await engine.get("/containers/json")
        await engine.delete(f"/containers/{segment(told['Id'])}", force=True)

    error = asked(tmp_path, hostile, follow)
    assert isinstance(error, EngineError)
    assert not [line for line in hostile.asked if line.startswith("DELETE")]
