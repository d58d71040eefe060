from __future__ import annotations

import asyncio
from typing import Any

import pytest

from deployer.docker import Engine, EngineError, segment
from deployer.docker.engine import SOCKET
from deployer.errors import TimedOutError
from deployer.remote import ConnectionFailedError
from tests.fakes import FakeConnection, Turns, run


def told(version: str) -> dict[str, str]:
    return {"Version": "x", "ApiVersion": version}


@pytest.mark.parametrize(
    ("newest", "spoken"),
    [
        ("1.41", "/v1.41"),
        ("1.45", "/v1.45"),
        ("1.51", "/v1.51"),
        ("1.55", "/v1.51"),
        ("1.9", "/v1.9"),
        ("2.0", "/v1.51"),
    ],
)
def test_the_older_of_both_sides_versions_is_spoken(newest: str, spoken: str) -> None:
    """API versions (docs.docker.com/reference/api/engine): 20.10 has 1.41, 26.1 has 1.45, 28.5 has 1.51, 29.7 has 1.55."""
    targets: list[str] = []

    class Noting(FakeConnection):
        async def open(self, place: Any) -> Any:
            stream = await super().open(place)
            write = stream.write

            async def noted(data: bytes) -> None:
                targets.append(data.split(b" ")[1].decode())
                await write(data)

            stream.write = noted  # type: ignore[method-assign]  # one stream of this test
            return stream

    connection = Noting({"GET /version": told(newest), "GET /info": {}})
    run(Engine(connection).get("/info"))
    assert targets == ["/version", f"{spoken}/info"]


def test_the_version_is_asked_once_however_many_ask_at_once() -> None:
    connection = FakeConnection({"GET /info": {"a": 1}})

    async def scenario() -> None:
        engine = Engine(connection)
        assert await asyncio.gather(*(engine.get("/info") for _ in range(10))) == [{"a": 1}] * 10
        await engine.get("/info")
        engine.close()

    run(scenario())
    assert [request.line for request in connection.requests].count("GET /version") == 1
    assert connection.streams == 0


def test_an_engine_that_was_not_there_is_asked_again() -> None:
    refused = ConnectionFailedError("refused")
    connection = FakeConnection({"GET /version": Turns(refused, told("1.45")), "GET /info": {"a": 1}})

    async def scenario() -> None:
        engine = Engine(connection)
        with pytest.raises(ConnectionFailedError):
            await engine.get("/info")
        assert await engine.get("/info") == {"a": 1}

    run(scenario())


@pytest.mark.parametrize(
    "answer", [[], {}, "x", {"ApiVersion": "new"}, {"ApiVersion": "1"}, {"ApiVersion": None}, b"<html>"]
)
def test_what_is_no_engine(answer: Any) -> None:
    connection = FakeConnection({"GET /version": (200, answer)})
    with pytest.raises(EngineError) as caught:
        run(Engine(connection).version())
    assert "\n" not in caught.value.message


def test_requests_as_they_are_sent() -> None:
    connection = FakeConnection(
        {"POST /services/a%2Fb/update": {}, "GET /tasks": [], "DELETE /x": (204, b""), "POST /swarm/join": (200, b"")}
    )

    async def scenario() -> None:
        engine = Engine(connection)
        await engine.post(f"/services/{segment('a/b')}/update", {"Name": "é"}, version=7, rollback="previous")
        await engine.get("/tasks", filters={"label": ["a=b&c"]}, all=True)
        assert await engine.delete("/x", force=True) == {}
        assert await engine.post_slowly("/swarm/join", {"JoinToken": "t"}, 1.0) == {}

    run(scenario())
    sent = [(request.line, request.query, request.body) for request in connection.requests[1:]]
    assert sent == [
        ("POST /services/a%2Fb/update", {"version": "7", "rollback": "previous"}, {"Name": "é"}),
        ("GET /tasks", {"filters": '{"label": ["a=b&c"]}', "all": "true"}, None),
        ("DELETE /x", {"force": "true"}, None),
        ("POST /swarm/join", {}, {"JoinToken": "t"}),
    ]
    assert {request.place for request in connection.requests} == {SOCKET}


@pytest.mark.parametrize(
    ("status", "body", "message"),
    [
        (404, {"message": "no such service: x\n"}, "no such service: x"),
        (500, b"plain words\n", "plain words"),
        (503, b"", "HTTP status 503"),
        (500, b"[1, 2]", "[1, 2]"),
        (500, {"error": "x"}, '{"error": "x"}'),
        (400, b"\xff\xfe", "��"),
    ],
)
def test_what_the_engine_says_when_it_refuses(status: int, body: Any, message: str) -> None:
    connection = FakeConnection({"GET /x": (status, body)})
    with pytest.raises(EngineError) as caught:
        run(Engine(connection).get("/x"))
    assert (caught.value.status, caught.value.message) == (status, message)


def test_an_answer_that_is_no_json() -> None:
    connection = FakeConnection({"GET /x": (200, b"<html>")})
    with pytest.raises(EngineError, match=r"^the answer to GET /v1\.45/x is no JSON$"):
        run(Engine(connection).get("/x", token="secret"))


def test_a_request_has_a_deadline() -> None:
    async def hang(_: object) -> None:
        await asyncio.Event().wait()

    connection = FakeConnection({"POST /swarm/join": hang})
    with pytest.raises(TimedOutError) as caught:
        run(Engine(connection).post_slowly("/swarm/join", {"JoinToken": "SWMTKN-1-x"}, 0.05))
    assert "SWMTKN" not in caught.value.message
    assert connection.streams == 0


async def pulled(connection: FakeConnection, image: str = "redis:7") -> list[str]:
    return [line async for line in Engine(connection).pull(image)]


def test_a_pull_tells_how_it_goes() -> None:
    body = (
        b'{"status":"Pulling from library/redis","id":"7"}\r\n\r\n{"status":"Downloading","progress":"[=>]"}\r\n{}\r\n'
    )
    connection = FakeConnection({"POST /images/create": (200, body)})
    assert run(pulled(connection, "registry:5000/redis:7")) == ["Pulling from library/redis", "Downloading", ""]
    assert connection.requests[-1].query == {"fromImage": "registry:5000/redis", "tag": "7"}


@pytest.mark.parametrize(
    ("status", "body", "message"),
    [
        (200, b'{"status":"Pulling"}\r\n{"errorDetail":{"message":"no space"},"error":"no space left"}\r\n', "no space left"),
        (404, b'{"message":"manifest for redis:7 not found: manifest unknown"}\n', "manifest for redis:7 not found: manifest unknown"),
        (404, b"", "HTTP status 404"),
        (500, b"<html>Bad gateway</html>", "<html>Bad gateway</html>"),
        (200, b"not json\n", "not json"),
        (200, b"[1]\n", "[1]"),
        (500, b"{}", "HTTP status 500"),
    ],
)  # fmt: skip
def test_a_pull_that_fails(status: int, body: bytes, message: str) -> None:
    connection = FakeConnection({"POST /images/create": (status, body)})
    with pytest.raises(EngineError) as caught:
        run(pulled(connection))
    assert (caught.value.status, caught.value.message) == (status, message)
    assert connection.streams == 1  # the one that was asked for the version


async def built(connection: FakeConnection) -> list[str]:
    words = Engine(connection).build(b"archive", t="ours:1", buildargs={"BASE": "python:3"}, forcerm=True)
    return [word async for word in words if word]


def test_a_build_sends_the_archive_and_tells_how_it_goes() -> None:
    body = b'{"stream":"Step 1/2 : FROM python:3"}\r\n{"stream":"\\n"}\r\n{"aux":{"ID":"sha256:1"}}\r\n'
    connection = FakeConnection({"POST /build": (200, body)})
    assert run(built(connection)) == ["Step 1/2 : FROM python:3"]
    asked = connection.requests[-1]
    assert asked.body == b"archive"
    assert asked.headers["content-type"] == "application/x-tar"
    assert asked.query == {"t": "ours:1", "buildargs": '{"BASE": "python:3"}', "forcerm": "true"}


def test_a_build_that_fails() -> None:
    body = b'{"stream":"Step 3/8"}\r\n{"errorDetail":{"code":100},"error":"returned a non-zero code: 100"}\r\n'
    with pytest.raises(EngineError, match="returned a non-zero code: 100"):
        run(built(FakeConnection({"POST /build": (200, body)})))


@pytest.mark.parametrize(
    ("text", "segmented"), [("web_api", "web_api"), ("a/b:c", "a%2Fb%3Ac"), ("..x?y#z", "..x%3Fy%23z")]
)
def test_a_name_is_one_segment_of_a_path(text: str, segmented: str) -> None:
    assert segment(text) == segmented


@pytest.mark.parametrize(
    "text", ["", ".", "..", "../x", "x/..", "a//b", "/a", "a/", "\ud800", "x" * 5000, None, 7, ["x"]]
)
def test_a_name_that_leads_elsewhere_stands_in_no_path(text: Any) -> None:
    """An engine's router removes such segments after it has decoded them: `..%2F..%2Finfo` is answered with a redirect."""
    with pytest.raises(EngineError, match="cannot be asked for this"):
        segment(text)


@pytest.mark.parametrize(
    "path", ["/containers/a/../json", "/containers//json", "/containers/a?force=1", "/containers/a b", "/containers/%2e%2e", "info", "/a#b", "/é"]
)  # fmt: skip
@pytest.mark.parametrize("ask", ["get", "delete", "post", "raw"])
def test_a_path_with_a_name_that_nobody_quoted_is_not_sent(path: str, ask: str) -> None:
    connection = FakeConnection()
    with pytest.raises(EngineError, match="cannot be asked for"):
        run(getattr(Engine(connection), ask)(path))
    assert connection.requests == []
