"""The recorder: an engine that takes notes, and panics at what it does not expect."""

from __future__ import annotations

import http.client
import json
import socket
from typing import TYPE_CHECKING, Any

import pytest

from deployer.compose.recorder import Engine, Recorder
from deployer.errors import DeployerError
from tests.waiting import GENEROUS

if TYPE_CHECKING:
    from pathlib import Path


class Client(http.client.HTTPConnection):
    def __init__(self, path: Path) -> None:
        super().__init__("localhost", timeout=GENEROUS)
        self._path = str(path)

    def connect(self) -> None:
        self.sock = socket.socket(socket.AF_UNIX)
        self.sock.connect(self._path)

    def ask(self, method: str, target: str, body: Any = None) -> tuple[int, bytes]:
        self.request(method, target, None if body is None else json.dumps(body))
        response = self.getresponse()
        return response.status, response.read()


def by_name(name: str) -> str:
    return f'/v1.50/secrets?filters={{"name":{{"{name}":true}}}}'


def test_what_was_created_is_found_again() -> None:
    engine = Engine()
    assert engine.answer("GET", "/v1.50/secrets/pw", b"")[0] == 404
    assert engine.answer("POST", "/v1.50/secrets/create", b'{"Name": "pw", "Data": "cHcK"}')[0] == 201
    status, found = engine.answer("GET", by_name("pw"), b"")
    assert (status, found[0]["Spec"]["Name"]) == (200, "pw")
    assert engine.recorded.secrets == [{"Name": "pw", "Data": "cHcK"}]
    assert engine.recorded.external == set()


def test_an_external_object_is_answered_and_noted() -> None:
    engine = Engine([("network", "shared"), ("secret", "unused")])
    status, found = engine.answer("GET", "/v1.50/networks/shared", b"")
    assert (status, found["Name"], found["Scope"]) == (200, "shared", "swarm")
    assert engine.recorded.external == {("network", "shared")}
    assert engine.recorded.unexpected == []


@pytest.mark.parametrize(
    ("method", "target"),
    [
        ("GET", "/v1.50/images/json"),
        ("DELETE", "/v1.50/services/x"),
        ("POST", "/v1.50/services/x/update?version=1"),
        ("GET", "/v1.50/services"),
        ("GET", by_name("never-heard-of")),
    ],
)
def test_anything_else_is_an_error_of_the_request_and_of_the_run(tmp_path: Path, method: str, target: str) -> None:
    recorder = Recorder(tmp_path / "s")
    client = Client(tmp_path / "s")
    status, _ = client.ask(method, target)
    client.close()
    assert status == 501
    with pytest.raises(DeployerError, match="asked for something new"):
        recorder.close()


def test_the_socket_answers_several_requests_of_several_connections(tmp_path: Path) -> None:
    with Recorder(tmp_path / "s") as recorder:
        clients = [Client(tmp_path / "s") for _ in range(3)]
        for number, client in enumerate(clients):
            assert client.ask("HEAD", "/_ping") == (200, b"")
            assert client.ask("POST", "/v1.50/services/create", {"Name": f"s{number}"})[0] == 201
        for client in clients:
            client.close()
        assert [body["Name"] for body in recorder.close().services] == ["s0", "s1", "s2"]


def test_a_path_that_no_socket_can_have_is_refused_with_advice(tmp_path: Path) -> None:
    with pytest.raises(DeployerError, match="too long") as caught:
        Recorder(tmp_path / ("x" * 107))
    assert "TMPDIR" in caught.value.help
