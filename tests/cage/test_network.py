"""Sockets: none where none is given, the given one and no other, TCP where it is given."""

from __future__ import annotations

import contextlib
import socket
import tempfile
import threading
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from deployer.cage import kernel
from tests.cage.conftest import attempt, needs_cage, python_rules

if TYPE_CHECKING:
    from collections.abc import Iterator

pytestmark = needs_cage
needs_listener = pytest.mark.skipif(not kernel.look().listens, reason="seccomp cannot ask a supervisor here")


class Listener:
    """Answers whoever connects, and counts them."""

    def __init__(self, made: socket.socket, address: Any) -> None:
        self.socket, self.count = made, 0
        made.bind(address)
        made.listen(200)
        threading.Thread(target=self._serve, daemon=True).start()

    def _serve(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                connection, _ = self.socket.accept()
                self.count += 1
                with connection, contextlib.suppress(OSError):
                    if connection.recv(100):
                        connection.sendall(b"welcome")

    def close(self) -> None:
        self.socket.shutdown(socket.SHUT_RDWR)
        self.socket.close()


@pytest.fixture
def folder() -> Iterator[Path]:
    """Short, for sockets."""
    with tempfile.TemporaryDirectory(prefix="c-", dir="/tmp") as name:
        yield Path(name)


@pytest.fixture
def engine(folder: Path) -> Iterator[Listener]:
    listener = Listener(socket.socket(socket.AF_UNIX), str(folder / "engine"))
    yield listener
    listener.close()


@pytest.fixture
def other(folder: Path) -> Iterator[Listener]:
    listener = Listener(socket.socket(socket.AF_UNIX), str(folder / "other"))
    yield listener
    listener.close()


@pytest.fixture
def abstract() -> Iterator[str]:
    name = f"cage-test-{threading.get_native_id()}"
    listener = Listener(socket.socket(socket.AF_UNIX), f"\0{name}")
    yield f"@{name}"
    listener.close()


@pytest.fixture
def port() -> Iterator[int]:
    listener = Listener(socket.socket(socket.AF_INET), ("127.0.0.1", 0))
    yield listener.socket.getsockname()[1]
    listener.close()


@pytest.fixture
def box(folder: Path) -> Iterator[socket.socket]:
    """A socket that takes datagrams, as a system's log does."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as made:
        made.bind(str(folder / "box"))
        made.settimeout(0)
        yield made


def test_no_network_and_no_socket(folder: Path, engine: Listener, abstract: str, port: int, box: socket.socket) -> None:
    rules = python_rules(read=(folder,))
    tries: list[tuple[Any, ...]] = [
        ("tcp", port), ("udp", port), ("unix", folder / "engine"), ("unix", abstract), ("netlink",), ("vsock",),
        ("unix_datagram", folder / "box"), ("half_a_pair", folder / "box"), ("listen", folder / "new"),
    ]  # fmt: skip
    for one in tries:
        assert attempt(rules, *one)["refused"] in {"EAFNOSUPPORT", "EACCES"}, one
    assert engine.count == 0
    with pytest.raises(BlockingIOError):
        box.recv(10)


def test_the_same_without_walls(
    folder: Path, engine: Listener, abstract: str, port: int, box: socket.socket, off: None
) -> None:
    for name, place in (
        ("tcp", port),
        ("unix", folder / "engine"),
        ("unix", abstract),
        ("half_a_pair", folder / "box"),
    ):
        assert "did" in attempt(python_rules(), name, place), name
    assert box.recv(10) == b"pwned"


@needs_listener
def test_one_socket_and_no_other(
    folder: Path, engine: Listener, other: Listener, abstract: str, port: int, box: socket.socket
) -> None:
    rules = python_rules(write=(folder,), sockets=(folder / "engine",))
    assert attempt(rules, "unix", folder / "engine") == {"did": "welcome"}
    for path in (folder / "other", abstract, folder / "link", f"{folder}/../{folder.name}/other", f"{folder}//engine"):
        assert attempt(rules, "unix", path) == {"refused": "EACCES"}, path
    assert attempt(rules, "by_symlink", folder / "other", folder / "link").keys() == {"refused"}
    assert attempt(rules, "tcp", port) == {"refused": "EAFNOSUPPORT"}
    for one in (
        ("unix_datagram", folder / "box"),
        ("half_a_pair", folder / "box"),
        ("listen", folder / "new"),
        ("udp", port),
    ):
        assert attempt(rules, *one)["refused"] in {"EAFNOSUPPORT", "EACCES", "EINVAL"}, one
    assert (engine.count, other.count) == (1, 0)


@needs_listener
@pytest.mark.parametrize("tcp", [False, True])
def test_an_address_that_changes_while_it_is_looked_at_changes_nothing(
    folder: Path, engine: Listener, other: Listener, *, tcp: bool
) -> None:
    rules = python_rules(sockets=(folder / "engine",), tcp=tcp)
    assert attempt(rules, "race", folder / "engine", folder / "other", 2) == {"did": "many connected"}
    assert engine.count > 0
    assert other.count == 0


@needs_listener
def test_a_socket_may_be_named_by_a_link_but_not_by_one_that_the_program_has_put_there(
    folder: Path, engine: Listener, other: Listener
) -> None:
    (folder / "link").symlink_to("engine")
    assert attempt(python_rules(sockets=(folder / "link",)), "unix", folder / "link") == {"did": "welcome"}
    own = folder / "own"
    own.mkdir()
    (own / "agent").symlink_to(folder / "other")
    rules = python_rules(write=(own,), sockets=(own / "agent",))
    assert attempt(rules, "unix", own / "agent")["refused"] in {"ECONNREFUSED", "ELOOP", "EACCES"}
    assert (engine.count, other.count) == (1, 0)


@needs_listener
def test_tcp_and_one_socket(folder: Path, engine: Listener, other: Listener, abstract: str, port: int) -> None:
    rules = python_rules(sockets=(folder / "engine",), tcp=True)
    assert attempt(rules, "tcp", port) == {"did": "connected"}
    assert attempt(rules, "unix", folder / "engine") == {"did": "welcome"}
    for path in (folder / "other", abstract):
        assert attempt(rules, "unix", path) == {"refused": "EACCES"}
    assert other.count == 0


def test_tcp_and_no_socket(folder: Path, engine: Listener, abstract: str, port: int) -> None:
    rules = python_rules(tcp=True)
    assert attempt(rules, "tcp", port) == {"did": "connected"}
    assert attempt(rules, "udp", port) == {"did": "sent"}
    for path in (folder / "engine", abstract):
        assert attempt(rules, "unix", path) == {"refused": "EAFNOSUPPORT"}
    assert engine.count == 0
