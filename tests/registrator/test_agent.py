"""py-consul with what it lacks, against a server that answers as Consul does."""

from __future__ import annotations

import json
import socket
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any

import pytest

from deployer.errors import DeployerError
from deployer.registrator.address import Uri
from deployer.registrator.agent import (
    Agent,
    AgentDeniesError,
    AgentDownError,
    AgentError,
    AgentRefusesError,
    read_token,
)
from deployer.registrator.services import Service

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

SERVICE = Service(
    "slave:web:80",
    "web",
    "10.0.0.1",
    80,
    "c1",
    ("b", "a"),
    {"region": "eu"},
    {"TTL": "1h", "Status": "passing"},
    "passing",
)


class Consul(ThreadingHTTPServer):
    """Remembers what it was asked; answers with `status` and `body`. A connection that is kept open does not keep it from ending."""

    daemon_threads = True
    block_on_close = False

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.asked: list[tuple[str, str, str | None, Any]] = []
        self.status = 200
        self.body = b"{}"


class OnSocket(Consul):
    address_family = socket.AF_UNIX

    def __init__(self, path: str) -> None:
        self._path = path
        super().__init__()

    def server_bind(self) -> None:
        self.socket.bind(self._path)


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: Consul

    def answer(self) -> None:
        content = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        told = json.loads(content) if content else None
        self.server.asked.append((self.command, self.path, self.headers.get("X-Consul-Token"), told))
        self.send_response(self.server.status)
        if self.server.status == 301:
            self.send_header("Location", "http://203.0.113.1/")
        self.send_header("Content-Length", str(len(self.server.body)))
        self.end_headers()
        self.wfile.write(self.server.body)

    do_GET = do_PUT = answer  # noqa: N815 - http.server's names

    def log_message(self, *_: Any) -> None:
        pass


@pytest.fixture
def server() -> Iterator[Consul]:
    with Consul() as made:
        thread = threading.Thread(target=made.serve_forever, args=(0.01,))
        thread.start()
        yield made
        made.shutdown()
        thread.join()


@pytest.fixture
def agent(server: Consul) -> Iterator[Agent]:
    made = Agent(Uri("consul", "127.0.0.1", server.server_port), {"CONSUL_HTTP_TOKEN": "s3cret"}, 1)
    yield made
    made.close()


def test_a_registration_is_one_request(server: Consul, agent: Agent) -> None:
    agent.register(SERVICE)
    ((method, path, _, body),) = server.asked
    assert (method, path) == ("PUT", "/v1/agent/service/register?replace-existing-checks=true")
    assert body == {
        "name": "web", "id": "slave:web:80", "address": "10.0.0.1", "port": 80, "tags": ["b", "a"],
        "meta": {"region": "eu", "registrator-hash": SERVICE.hash}, "checks": [{"TTL": "1h", "Status": "passing"}],
    }  # fmt: skip


CALLS: list[Callable[[Agent], object]] = [
    lambda agent: agent.leader(),
    lambda agent: agent.snapshot("E"),
    lambda agent: agent.has("x"),
    lambda agent: agent.register(SERVICE),
    lambda agent: agent.set_status(SERVICE),
    lambda agent: agent.deregister("x"),
]


@pytest.mark.parametrize("call", CALLS)
def test_the_token_is_a_header_of_every_request_and_never_in_its_address(
    server: Consul, agent: Agent, call: Callable[[Agent], object]
) -> None:
    call(agent)
    assert server.asked
    for _, path, token, _ in server.asked:
        assert token == "s3cret"
        assert "s3cret" not in path


@pytest.mark.parametrize(
    ("status", "body", "error"),
    [
        (400, b"Invalid service address", AgentRefusesError),
        (403, b"Permission denied", AgentDeniesError),
        (500, b"No cluster leader", AgentDeniesError),
        (429, b"slow down", AgentRefusesError),
    ],
)
def test_refusals(server: Consul, agent: Agent, status: int, body: bytes, error: type[AgentError]) -> None:
    server.status, server.body = status, body
    with pytest.raises(error, match=body.decode()):
        agent.register(SERVICE)


@pytest.mark.parametrize(
    ("status", "body"), [(404, b"Unknown check ID"), (500, b'CheckID "x" does not have associated TTL')]
)
def test_a_check_that_is_gone_wants_a_registration(server: Consul, agent: Agent, status: int, body: bytes) -> None:
    server.status, server.body = status, body
    with pytest.raises(AgentRefusesError):
        agent.set_status(SERVICE)


def test_what_is_not_there_is_out(server: Consul, agent: Agent) -> None:
    server.status, server.body = 404, b"Unknown service ID"
    agent.deregister("x")
    assert not agent.has("x")


def test_ids_are_data(server: Consul, agent: Agent) -> None:
    agent.deregister("slave:web:80")
    assert server.asked[0][1] == "/v1/agent/service/deregister/slave%3Aweb%3A80"


def test_a_redirect_is_not_followed(server: Consul, agent: Agent) -> None:
    server.status = 301
    with pytest.raises(AgentDownError):
        agent.leader()
    assert len(server.asked) == 1


def test_nobody_there(server: Consul) -> None:
    agent = Agent(Uri("consul", "127.0.0.1", 1), {}, 1)
    with pytest.raises(AgentDownError, match="refused"):
        agent.leader()
    agent.close()


def test_a_file_beats_the_environment_and_is_read_again_after_a_refusal(server: Consul, tmp_path: Path) -> None:
    file = tmp_path / "token"
    file.write_text("first\n")
    env = {"CONSUL_HTTP_TOKEN": "other", "CONSUL_HTTP_TOKEN_FILE": str(file)}
    agent = Agent(Uri("consul", "127.0.0.1", server.server_port), env, 1)
    server.status = 403
    file.write_text("second\n")
    with pytest.raises(AgentDeniesError):
        agent.leader()
    server.status = 200
    agent.leader()
    agent.close()
    assert [token for _, _, token, _ in server.asked] == ["first", "second"]


def test_a_token_file_that_is_not_there_is_said_without_a_traceback(tmp_path: Path) -> None:
    with pytest.raises(DeployerError, match=r"CONSUL_HTTP_TOKEN_FILE: .*No such file"):
        read_token({"CONSUL_HTTP_TOKEN_FILE": str(tmp_path / "none")})


def test_a_unix_socket(tmp_path: Path) -> None:
    path = str(tmp_path / "consul.sock")
    with OnSocket(path) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        agent = Agent(Uri("consul-unix", socket=path), {"CONSUL_HTTP_TOKEN": "s3cret"}, 1)
        agent.register(SERVICE)
        agent.close()
        server.shutdown()
        thread.join()
    assert [token for _, _, token, _ in server.asked] == ["s3cret"]
