"""What supervisors see: over HTTP, and by systemd's socket."""

from __future__ import annotations

import http.client
import json
import socket
import time
from contextlib import closing
from typing import TYPE_CHECKING, Any

import pytest

from deployer.errors import DeployerError, UsageError
from deployer.watch.health import STUCK_SECONDS, Endpoint, document, notify
from deployer.watch.loop import State
from tests.waiting import GENEROUS

if TYPE_CHECKING:
    from pathlib import Path


def ask(port: int, path: str = "/health", method: str = "GET") -> tuple[int, Any]:
    with closing(http.client.HTTPConnection("127.0.0.1", port, timeout=GENEROUS)) as connection:
        connection.request(method, path)
        answer = connection.getresponse()
        text = answer.read()
        return answer.status, json.loads(text) if answer.headers["Content-Type"] == "application/json" else text


def test_well_failing_applying_and_stuck() -> None:
    state = State("branch main", wanted="a" * 40, deployed="a" * 40)
    with closing(Endpoint("0", state)) as endpoint:
        assert ask(endpoint.port) == (200, document(state) | {"status": "ok"})
        state.error = "aaaaaaaaaa is not deployed"
        code, told = ask(endpoint.port)
        assert (code, told["status"], told["error"]) == (503, "failing", "aaaaaaaaaa is not deployed")
        state.applying = True
        assert ask(endpoint.port)[0] == 200
        state.applying, state.error, state.beat = False, "", time.monotonic() - STUCK_SECONDS - 1
        assert ask(endpoint.port)[1]["status"] == "stuck"
        assert ask(endpoint.port, "/etc/passwd")[0] == 404
        assert ask(endpoint.port, method="POST")[0] == 501


@pytest.mark.parametrize("place", ["", "no port", "host:", "127.0.0.1:99999", "a b:80", "1:2:3"])
def test_what_is_no_place_is_refused(place: str) -> None:
    with pytest.raises(UsageError, match="neither a port nor HOST:PORT"):
        Endpoint(place, State("x"))


def test_a_port_that_is_taken_is_named() -> None:
    with closing(Endpoint("0", State("x"))) as first, pytest.raises(DeployerError, match="cannot be listened on"):
        Endpoint(f"127.0.0.1:{first.port}", State("x"))


def test_systemd_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = str(tmp_path / "notify")
    with closing(socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)) as channel:
        channel.bind(path)
        channel.settimeout(GENEROUS)
        monkeypatch.setenv("NOTIFY_SOCKET", path)
        notify(State("branch main", wanted="a" * 40))
        assert channel.recv(1000) == b"READY=1\nSTATUS=follows aaaaaaaaaa\n"
        notify(State("branch main", error="the remote\nis gone"))
        assert channel.recv(1000) == b"READY=1\nSTATUS=trouble: the remote\n"


def test_a_supervisor_that_does_not_listen_stops_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NOTIFY_SOCKET", str(tmp_path / "nobody"))
    notify(State("branch main"))
