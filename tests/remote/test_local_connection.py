from __future__ import annotations

import asyncio
import os
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from deployer.errors import TimedOutError
from deployer.model.command import Command
from deployer.remote import ConnectionFailedError, TcpPort, UnixSocket
from deployer.remote.local import LocalConnection
from deployer.remote.output import LIMIT
from tests.fakes import pass_time, run
from tests.waiting import GENEROUS, wait_until_async

if TYPE_CHECKING:
    from deployer.model.command import Completed


def shell(script: str, *, timeout: float = GENEROUS, stdin: bytes = b"", on_line: list[str] | None = None) -> Completed:
    connection = LocalConnection()
    command = Command(("sh", "-c", script), stdin=stdin, timeout=timeout)
    return run(connection.run(command, None if on_line is None else on_line.append))


def ended(pid: int) -> bool:
    """Whether the process is gone, or a zombie that nobody has collected yet."""
    try:
        return Path(f"/proc/{pid}/stat").read_text("utf-8").rpartition(")")[2].split()[0] == "Z"
    except FileNotFoundError:
        return True


async def until_ended(pid: int) -> None:
    await wait_until_async(lambda: ended(pid), f"the end of process {pid}")


def test_a_command_ends_with_its_status_and_both_streams() -> None:
    completed = shell("echo out; echo err >&2; exit 3")
    assert (completed.status, completed.stdout, completed.stderr) == (3, "out\n", "err\n")
    assert not completed.ok


def test_lines_are_told_as_they_come() -> None:
    """The second line is written only when a file appears, which the first one's listener makes."""
    told: list[str] = []

    async def scenario(mark: Path) -> None:
        def on_line(line: str) -> None:
            told.append(line)
            if line == "first":
                mark.touch()

        script = 'echo first; until [ -e "$0" ]; do sleep 0.01; done; printf second'
        await LocalConnection().run(Command(("sh", "-c", script, str(mark))), on_line)

    run(scenario(Path(os.environ["HOME"]) / "mark"))
    assert told == ["first", "second"]


def test_lines_are_made_printable_and_the_whole_is_kept_as_it_was() -> None:
    told: list[str] = []
    completed = shell(r"printf 'a\033[2Jb\r\n\377\n'", on_line=told)
    assert told == [r"a\x1b[2Jb", "�"]
    assert completed.stdout == "a\x1b[2Jb\r\n�\n"


def test_standard_input_reaches_the_command_whole() -> None:
    assert shell("wc -c", stdin=b"x" * 1_000_000).stdout.strip() == "1000000"


def test_a_command_that_does_not_read_its_input_is_no_error() -> None:
    assert shell("exit 4", stdin=b"x" * 1_000_000).status == 4


def test_a_missing_program_is_status_127_with_its_name() -> None:
    completed = run(LocalConnection().run(Command(("no-such-program-here", "x"))))
    assert completed.status == 127
    assert "no-such-program-here" in completed.stderr


def test_output_is_capped() -> None:
    completed = shell(f"head -c {LIMIT + 1_000_000} /dev/zero | tr '\\0' x")
    assert completed.stdout == "x" * LIMIT


def test_lines_beyond_the_cap_are_not_told() -> None:
    told: list[str] = []
    shell(f"yes 1234567 | head -c {LIMIT + 1_000_000}", on_line=told)
    assert abs(len(told) - LIMIT / 8) <= 65536 / 8


def test_a_command_that_takes_too_long_is_ended_with_all_that_it_started() -> None:
    pids: list[str] = []

    def hear(pid: str) -> None:
        pids.append(pid)
        if len(pids) == 2:
            pass_time(100)

    async def scenario() -> None:
        command = Command(("sh", "-c", "sleep 600 & echo $!; echo $$; wait"), timeout=100)
        with pytest.raises(TimedOutError, match=r"`sh` took longer than 100 s"):
            await LocalConnection().run(command, hear)
        for pid in pids:
            await until_ended(int(pid))

    run(scenario())
    assert len(pids) == 2


def test_a_command_that_is_given_up_on_is_ended() -> None:
    pids: list[str] = []

    async def scenario() -> None:
        started = asyncio.Event()

        def on_line(line: str) -> None:
            pids.append(line)
            started.set()

        task = asyncio.ensure_future(LocalConnection().run(Command(("sh", "-c", "echo $$; exec sleep 300")), on_line))
        await started.wait()
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        await until_ended(int(pids[0]))

    run(scenario())


def test_commands_have_a_session_of_their_own() -> None:
    """Ctrl-C on the terminal goes to every process of the session's foreground group: it is meant for deployer alone."""
    session = int(shell("read -r stat </proc/$$/stat; set -- ${stat##*)}; echo $4").stdout)
    assert session != os.getsid(0)


def test_a_user_who_is_not_root_asks_sudo(programs: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (programs / "sudo").write_text('#!/bin/sh\nprintf "%s|" "$@"\n', "utf-8")
    (programs / "sudo").chmod(0o755)
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    command = Command(("id", "a b"), root=True, timeout=1.5)
    completed = run(LocalConnection().run(command))
    assert completed.stdout == "-n|--|timeout|-k|5|2|id|a b|"
    completed = run(LocalConnection().run(Command(("echo", "plain"))))
    assert completed.stdout == "plain\n"


async def echo(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    while data := await reader.read(100):
        writer.write(data.upper())
    writer.close()


@pytest.mark.parametrize("kind", ["unix", "tcp"])
def test_sockets_of_this_machine(kind: str, tmp_path: Path) -> None:
    async def scenario() -> None:
        place: UnixSocket | TcpPort
        if kind == "unix":
            server = await asyncio.start_unix_server(echo, tmp_path / "s")
            place = UnixSocket(str(tmp_path / "s"))
        else:
            server = await asyncio.start_server(echo, "127.0.0.1", 0)
            place = TcpPort("127.0.0.1", server.sockets[0].getsockname()[1])
        async with server:
            connection = LocalConnection()
            stream = await connection.open(place)
            await stream.write(b"hello")
            assert await stream.read(100) == b"HELLO"
            await connection.close()
            assert await stream.read(100) == b""

    run(scenario())


def test_a_socket_may_be_elsewhere(tmp_path: Path) -> None:
    async def scenario() -> None:
        async with await asyncio.start_unix_server(echo, tmp_path / "elsewhere"):
            connection = LocalConnection({"/run/usual.sock": str(tmp_path / "elsewhere")})
            stream = await connection.open(UnixSocket("/run/usual.sock"))
            await stream.write(b"x")
            assert await stream.read(1) == b"X"
            await connection.close()

    run(scenario())


def test_where_nothing_listens_the_socket_is_named(tmp_path: Path) -> None:
    connection = LocalConnection()
    with pytest.raises(ConnectionFailedError) as caught:
        run(connection.open(UnixSocket(str(tmp_path / "none"))))
    assert caught.value.message == f"{tmp_path}/none: No such file or directory"
    with pytest.raises(ConnectionFailedError, match=r"^port 1 of 127\.0\.0\.1: "):
        run(connection.open(TcpPort("127.0.0.1", 1)))
