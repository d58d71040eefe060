from __future__ import annotations

import socket
import threading
from contextlib import contextmanager
from typing import TYPE_CHECKING

import pytest

from deployer.errors import DeployerError, TimedOutError
from deployer.sandbox import engine, limits, observe, packages, process
from deployer.sandbox.observe import ssh_answers

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@contextmanager
def unix_server(path: Path, answer: bytes) -> Iterator[None]:
    """Answers one request with `answer`."""
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(path))
        listener.listen()

        def serve() -> None:
            connection, _ = listener.accept()
            with connection:
                connection.recv(4096)
                connection.sendall(answer)

        thread = threading.Thread(target=serve)
        thread.start()
        yield
        thread.join()


@pytest.fixture
def path(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    path = tmp_path / "s"
    monkeypatch.setenv("DOCKER_HOST", f"unix://{path}")
    return path


def test_an_engine_is_what_answers_with_a_version(path: Path) -> None:
    with unix_server(path, b'HTTP/1.1 200 OK\r\nContent-Length: 21\r\n\r\n{"Version":"26.1.5"} '):
        assert engine.engine_version(path) == "26.1.5"


@pytest.mark.parametrize("answer", [b"SSH-2.0\r\n", b"", b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}"])
def test_something_else_at_the_socket_is_no_engine(path: Path, answer: bytes) -> None:
    with unix_server(path, answer):
        assert engine.engine_silent_reason() == f"no Docker engine answers at {path}"


def test_no_socket_is_a_reason_in_one_line(path: Path) -> None:
    assert engine.engine_missing_reason() == f"no Docker engine answers at {path}"


def test_an_engine_elsewhere_is_refused_by_name(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DOCKER_HOST", "tcp://192.0.2.1:2376")
    assert "tcp://192.0.2.1:2376" in (engine.engine_silent_reason() or "")


def test_without_root_or_debian_the_error_names_what_is_missing(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(packages, "why_not", lambda: "installing needs root")
    monkeypatch.setattr(engine, "find_parts", lambda: engine.Parts(engine="", client=True, compose=False, buildx=True))
    monkeypatch.setattr(engine, "LOCK", path.parent / "lock")
    with pytest.raises(DeployerError) as caught:
        engine.ensure_engine(lambda _: None)
    assert "compose plugin" in caught.value.message
    assert "needs root" in caught.value.message


def test_a_program_that_fails_gives_its_last_words() -> None:
    with pytest.raises(DeployerError, match="it failed: sh ended with 3") as caught:
        process.must(("sh", "-c", "echo one; echo two >&2; exit 3"), failing="it failed")
    assert caught.value.help == "one\ntwo"


def test_a_program_that_is_not_there_is_exit_code_127() -> None:
    assert process.run(("no-such-program",)).returncode == 127


def test_a_program_that_does_not_end_is_ended() -> None:
    with pytest.raises(TimedOutError, match="sleep did not end"):
        process.run(("sleep", "600"), seconds=0.05)


@pytest.mark.parametrize(("present", "after", "lines"), [("128\n", "1024", 1), ("8192\n", "8192\n", 0)])
def test_the_inotify_limit_is_raised_and_never_lowered(tmp_path: Path, present: str, after: str, lines: int) -> None:
    file, said = tmp_path / "max_user_instances", list[str]()
    file.write_text(present)
    limits.ensure_inotify(said.append, file)
    assert file.read_text() == after
    assert len(said) == lines


def test_nothing_at_the_ssh_port_is_no_ssh(monkeypatch: pytest.MonkeyPatch) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))  # and does not listen
        monkeypatch.setattr(observe, "SSH_PORT", taken.getsockname()[1])
        assert not ssh_answers("127.0.0.1")
        taken.listen()
        assert not ssh_answers("127.0.0.1", 0.1), "one who says nothing"
