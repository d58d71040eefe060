"""What goes over the wire, and what comes back that is no answer; the protocol itself: tests/lock/test_lock.py."""

from __future__ import annotations

import base64
from typing import Any

import pytest

from deployer.consul import ConsulError
from deployer.consul.session import Entry, Sessions
from tests.fakes import FakeConnection, run

KEY = "GET /v1/kv/deployer/test/lock"
ID = "9d3711bb-29e4-4a19-df20-6ddd7e7a856c"


def asked(answers: dict[str, Any], method: str, *args: Any, **options: Any) -> tuple[Any, FakeConnection]:
    connection = FakeConnection(answers)

    async def scenario() -> Any:
        sessions = Sessions(connection)
        try:
            return await getattr(sessions, method)(*args, **options)
        finally:
            sessions.close()

    return run(scenario()), connection


def test_a_session_depends_on_nothing_but_its_ttl() -> None:
    """developer.hashicorp.com/consul/api-docs/session: without NodeChecks it would end with the server's own health."""
    id_, connection = asked(
        {"PUT /v1/session/create": (200, {"ID": ID})}, "create", "deployer ann@a", ttl=15, lock_delay=5
    )
    assert id_ == ID
    assert connection.requests[0].body == {
        "Name": "deployer ann@a", "TTL": "15s", "LockDelay": "5s", "Behavior": "release", "NodeChecks": [], "Checks": [],
    }  # fmt: skip


def test_the_key_is_read_from_a_majority() -> None:
    told = [{"Key": "deployer/test/lock", "LockIndex": 3, "Session": ID, "Value": base64.b64encode(b"{}").decode()}]
    (index, entry), connection = asked({KEY: (200, told, {"X-Consul-Index": "12"})}, "read", "deployer/test/lock")
    assert (index, entry) == ("12", Entry(b"{}", ID, 3))
    assert connection.requests[0].query == {"consistent": "1"}


def test_waiting_for_a_change_is_one_request_that_ends_in_time() -> None:
    answers = {KEY: (404, b"", {"X-Consul-Index": "13"})}
    (index, entry), connection = asked(answers, "read", "deployer/test/lock", index="12", wait=300)
    assert (index, entry) == ("13", None)
    assert connection.requests[0].query == {"consistent": "1", "index": "12", "wait": "5.000s"}


@pytest.mark.parametrize(
    "told",
    [
        [7],
        [{}],
        [{"Value": "not base64!"}],
        [{"Value": 7, "LockIndex": 1}],
        [{"Value": None, "LockIndex": "many"}],
        {"Value": "e30=", "LockIndex": 1},
        "text",
    ],
)
def test_a_key_that_is_none(told: Any) -> None:
    """py-consul 1.8.0 lets AttributeError and binascii.Error through."""
    with pytest.raises(ConsulError):
        asked({KEY: (200, told, {"X-Consul-Index": "12"})}, "read", "deployer/test/lock")


@pytest.mark.parametrize(
    ("answer", "there"), [((200, [{"ID": ID}]), True), ((404, b"Session id not found"), False), ((200, []), False)]
)
def test_whether_a_session_is_still_there(answer: Any, *, there: bool) -> None:
    assert asked({f"PUT /v1/session/renew/{ID}": answer}, "renew", ID)[0] is there


@pytest.mark.parametrize(("method", "query"), [("acquire", {"acquire": ID}), ("release", {"release": ID})])
@pytest.mark.parametrize(("answer", "done"), [(b"true", True), (b"false", False), (b"true\n", True)])
def test_a_key_changes_hands_by_session_only(method: str, query: dict[str, str], answer: bytes, *, done: bool) -> None:
    put = {"PUT /v1/kv/deployer/test/lock": (200, answer)}
    told, connection = asked(put, method, "deployer/test/lock", b'{"a": 1}', ID)
    assert told is done
    assert (connection.requests[0].query, connection.requests[0].body) == (query, {"a": 1})


@pytest.mark.parametrize("method", ["acquire", "release"])
def test_what_consul_refuses_is_an_error(method: str) -> None:
    put = {"PUT /v1/kv/deployer/test/lock": (500, f"invalid session '{ID}'".encode())}
    with pytest.raises(ConsulError, match="invalid session"):
        asked(put, method, "deployer/test/lock", b"{}", ID)


def test_a_key_that_is_not_taken() -> None:
    with pytest.raises(ConsulError, match="does not take"):
        asked({"PUT /v1/kv/a": (200, b"false")}, "put", "a", b"{}")
