"""Commands and sockets over one SSH connection, and how they end when the machine does not behave."""

from __future__ import annotations

import asyncio
import contextlib
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from deployer.errors import TimedOutError
from deployer.model.command import Command
from deployer.remote import ConnectionFailedError, TcpPort, UnixSocket, ssh
from deployer.remote.output import LIMIT
from deployer.remote.ssh import SshConnection, connect
from tests.fakes import pass_time, run
from tests.remote.sshd import by_shell, sshd
from tests.waiting import wait_until_async

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    import asyncssh

    from deployer.remote import Stream
    from tests.remote.sshd import Handler, Sshd


@contextlib.asynccontextmanager
async def connected(
    directory: Path, *, handler: Handler = by_shell, user: str = "root"
) -> AsyncIterator[tuple[Sshd, SshConnection]]:
    async with sshd(directory, handler=handler) as server:
        connection = await connect(server.node(user=user), server.known())
        try:
            yield server, connection
        finally:
            await connection.close()


def test_a_command_ends_with_its_status_both_streams_and_its_lines(tmp_path: Path) -> None:
    async def scenario() -> None:
        async with connected(tmp_path) as (_, connection):
            told: list[str] = []
            script = r"printf 'a\033[2J\nb'; echo err >&2; exit 3"
            completed = await connection.run(Command(("sh", "-c", script)), told.append)
            assert (completed.status, completed.stdout, completed.stderr) == (3, "a\x1b[2J\nb", "err\n")
            assert sorted(told) == [r"a\x1b[2J", "b", "err"]

    run(scenario())


def test_arguments_and_input_arrive_unchanged(tmp_path: Path) -> None:
    async def scenario() -> None:
        async with connected(tmp_path) as (_, connection):
            hostile = ("; echo owned", "$(echo owned)", "a'b\"c", "--", "-n", "new\nline", "")
            completed = await connection.run(Command(("printf", r"%s\0", *hostile)))
            assert tuple(completed.stdout.split("\0")[:-1]) == hostile
            completed = await connection.run(Command(("wc", "-c"), stdin=b"x" * 3_000_000))
            assert completed.stdout.strip() == "3000000"
            completed = await connection.run(Command(("true",), stdin=b"x" * 3_000_000))
            assert completed.status == 0

    run(scenario())


def test_a_signal_that_ended_a_command_is_its_negative_number(tmp_path: Path) -> None:
    async def handler(process: asyncssh.SSHServerProcess[bytes]) -> None:
        process.exit_with_signal("SEGV")

    async def scenario() -> None:
        async with connected(tmp_path, handler=handler) as (_, connection):
            assert (await connection.run(Command(("x",)))).status == -11

    run(scenario())


def test_root_needs_no_sudo_and_others_ask_it_without_a_password(tmp_path: Path, programs: Path) -> None:
    (programs / "sudo").write_text('#!/bin/sh\nprintf "%s|" "$@"\n', "utf-8")
    (programs / "sudo").chmod(0o755)

    async def scenario() -> None:
        command = Command(("id", "a b"), root=True, timeout=1.2)
        async with connected(tmp_path) as (server, connection):
            await connection.run(command)
            assert server.commands == ["timeout -k 5 2 id 'a b'"]
        async with connected(tmp_path, user="deploy") as (_, connection):
            assert (await connection.run(command)).stdout == "-n|--|timeout|-k|5|2|id|a b|"
            assert (await connection.run(Command(("echo", "plain")))).stdout == "plain\n"

    run(scenario())


def test_a_command_that_takes_too_long_is_ended_over_there(tmp_path: Path) -> None:
    async def scenario() -> None:
        async with connected(tmp_path) as (_, connection):
            with pytest.raises(TimedOutError, match=r"^`sleep` took longer than 0.6 s$"):
                await connection.run(Command(("sleep", "300"), timeout=0.6))
            assert (await connection.run(Command(("echo", "still here")))).stdout == "still here\n"

    run(scenario())


@pytest.mark.parametrize("status", [124, 137])
def test_a_status_that_looks_like_a_time_out_is_none_before_the_time(status: int, tmp_path: Path) -> None:
    """137 is also what a command gets that the kernel killed for its memory."""

    async def scenario() -> None:
        async with connected(tmp_path) as (_, connection):
            assert (await connection.run(Command(("sh", "-c", f"exit {status}")))).status == status

    run(scenario())


def test_a_machine_that_lets_a_command_hang_is_given_up_on(tmp_path: Path) -> None:
    """It does not even end it when asked to: no `timeout` there, or sshd is stopped."""

    async def handler(process: asyncssh.SSHServerProcess[bytes]) -> None:
        process.stdout.write(b"before\n")
        await asyncio.sleep(300)

    async def scenario() -> None:
        async with connected(tmp_path, handler=handler) as (_, connection):
            told: list[str] = []

            def hear(line: str) -> None:
                told.append(line)
                pass_time(100 + ssh.GRACE_SECONDS)

            with pytest.raises(TimedOutError, match=r"^`x` took longer than 100 s$"):
                await connection.run(Command(("x",), timeout=100), hear)
            assert told == ["before"]

    run(scenario())


def test_a_machine_that_never_confirms_the_end_of_a_channel_holds_nothing_up(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def handler(process: asyncssh.SSHServerProcess[bytes]) -> None:
        await asyncio.sleep(300)

    async def scenario() -> None:
        async with connected(tmp_path, handler=handler) as (server, connection):
            running = asyncio.ensure_future(connection.run(Command(("x",), timeout=1)))
            await wait_until_async(lambda: server.commands, "the command")
            monkeypatch.setattr(server.logins[0], "data_received", lambda *_: None)  # deaf from here on
            pass_time(1 + ssh.GRACE_SECONDS)
            with pytest.raises(TimedOutError):
                await running

    run(scenario())


def test_a_connection_that_breaks_in_the_middle_of_a_command(tmp_path: Path) -> None:
    async def scenario() -> None:
        async with connected(tmp_path) as (server, connection):

            def on_line(_: str) -> None:
                server.logins[0].abort()

            command = Command(("sh", "-c", "echo begun; sleep 300"))
            with pytest.raises(ConnectionFailedError, match=r"^the connection broke"):
                await connection.run(command, on_line)
            with pytest.raises(ConnectionFailedError, match=r"^the connection broke"):
                await connection.run(Command(("echo", "again")))
            with pytest.raises(ConnectionFailedError):
                await connection.open(UnixSocket("/run/any.sock"))

    run(scenario())


def test_a_command_whose_end_is_not_told_is_no_result(tmp_path: Path) -> None:
    """sshd was killed under it: the channel is closed without a status."""

    async def handler(process: asyncssh.SSHServerProcess[bytes]) -> None:
        process.stdout.write(b"half of it\n")
        process.close()

    async def scenario() -> None:
        async with connected(tmp_path, handler=handler) as (_, connection):
            with pytest.raises(ConnectionFailedError, match=r"^the connection broke while `x` ran$"):
                await connection.run(Command(("x",)))

    run(scenario())


def test_a_machine_that_goes_silent_is_noticed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The network is lost after login: only keep-alive tells."""

    async def handler(process: asyncssh.SSHServerProcess[bytes]) -> None:
        await asyncio.sleep(300)

    async def scenario() -> None:
        async with connected(tmp_path, handler=handler) as (server, connection):
            running = asyncio.ensure_future(connection.run(Command(("x",), timeout=600)))
            await wait_until_async(lambda: server.commands, "the command")
            monkeypatch.setattr(server.logins[0], "data_received", lambda *_: None)
            while not running.done():
                pass_time(ssh.KEEPALIVE_SECONDS)
                await asyncio.sleep(0.01)
            with pytest.raises(ConnectionFailedError, match="the connection broke"):
                await running

    run(scenario())


def test_output_is_capped(tmp_path: Path) -> None:
    async def scenario() -> None:
        async with connected(tmp_path) as (_, connection):
            completed = await connection.run(Command(("head", "-c", str(LIMIT + 500_000), "/dev/zero")))
            assert completed.stdout == "\0" * LIMIT
            assert completed.ok

    run(scenario())


def test_many_commands_share_the_connection(tmp_path: Path) -> None:
    async def scenario() -> None:
        async with connected(tmp_path) as (server, connection):
            done = await asyncio.gather(*(connection.run(Command(("echo", str(i)))) for i in range(8)))
            assert [completed.stdout for completed in done] == [f"{i}\n" for i in range(8)]
            assert len(server.logins) == 1

    run(scenario())


async def echo(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    while data := await reader.read(100):
        writer.write(data.upper())
    writer.close()


def test_sockets_over_there(tmp_path: Path) -> None:
    async def scenario() -> None:
        unix = await asyncio.start_unix_server(echo, tmp_path / "s")
        tcp = await asyncio.start_server(echo, "127.0.0.1", 0)
        async with unix, tcp, connected(tmp_path) as (server, connection):
            port = tcp.sockets[0].getsockname()[1]
            for place in (UnixSocket(str(tmp_path / "s")), TcpPort("127.0.0.1", port)):
                stream = await connection.open(place)
                await stream.write(b"hello")
                assert await stream.read(100) == b"HELLO"
                stream.close()
            assert server.sockets == [str(tmp_path / "s")]
            assert server.commands == []

    run(scenario())


def test_a_stream_whose_connection_breaks_says_so(tmp_path: Path) -> None:
    async def mute(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read()
        writer.close()

    async def scenario() -> None:
        async with await asyncio.start_unix_server(mute, tmp_path / "s"), connected(tmp_path) as (server, connection):
            stream = await connection.open(UnixSocket(str(tmp_path / "s")))
            asyncio.get_running_loop().call_later(0.05, server.logins[0].abort)
            with pytest.raises(ConnectionFailedError, match="the connection broke"):
                await stream.read(100)

    run(scenario())


def test_where_nothing_listens_the_socket_is_named(tmp_path: Path) -> None:
    async def scenario() -> None:
        async with connected(tmp_path) as (_, connection):
            with pytest.raises(ConnectionFailedError, match=r"^/run/none\.sock there: "):
                await connection.open(UnixSocket("/run/none.sock"))
            with pytest.raises(ConnectionFailedError, match=r"^port 1 there: "):
                await connection.open(TcpPort("127.0.0.1", 1))

    run(scenario())


def test_a_user_outside_the_group_reaches_the_engine_by_sudo(tmp_path: Path, programs: Path) -> None:
    """sshd opens the socket as the user and may not: Docker's own relay does it, and later streams ask for it at once."""
    (programs / "sudo").write_text('#!/bin/sh\nprintf "%s|" "$@"\ncat\n', "utf-8")
    (programs / "sudo").chmod(0o755)

    async def scenario() -> None:
        async with connected(tmp_path, user="deploy") as (server, connection):
            server.unix = False
            for _ in range(2):
                stream = await connection.open(UnixSocket("/var/run/docker.sock"))
                expected = b"-n|--|docker|--host|unix:///var/run/docker.sock|system|dial-stdio|"
                assert await read_exactly(stream, len(expected)) == expected
                await stream.write(b"x\0\xff")
                assert await read_exactly(stream, 3) == b"x\0\xff"
                stream.close()
            assert server.sockets == ["/var/run/docker.sock"]

    run(scenario())


async def read_exactly(stream: Stream, count: int) -> bytes:
    data = b""
    while len(data) < count:
        chunk = await stream.read(count - len(data))
        assert chunk
        data += chunk
    return data


def test_why_sudo_does_not_reach_the_engine_is_said(tmp_path: Path, programs: Path) -> None:
    (programs / "sudo").write_text("#!/bin/sh\necho 'sudo: a password is required' >&2\nexit 1\n", "utf-8")
    (programs / "sudo").chmod(0o755)

    async def scenario() -> None:
        async with connected(tmp_path, user="deploy") as (server, connection):
            server.unix = False
            stream = await connection.open(UnixSocket("/var/run/docker.sock"))
            with pytest.raises(ConnectionFailedError) as caught:
                await stream.read(100)
            assert caught.value.message == "/var/run/docker.sock there: sudo: a password is required"

    run(scenario())


def test_root_is_not_helped_by_sudo(tmp_path: Path) -> None:
    async def scenario() -> None:
        async with connected(tmp_path) as (server, connection):
            server.unix = False
            with pytest.raises(ConnectionFailedError):
                await connection.open(UnixSocket("/var/run/docker.sock"))
            assert server.commands == []

    run(scenario())


def open_files() -> int:
    return len(list(Path("/proc/self/fd").iterdir()))


def test_nothing_is_left_open(tmp_path: Path) -> None:
    async def scenario() -> None:
        before = open_files()
        async with connected(tmp_path) as (server, connection):
            await connection.run(Command(("true",)))
            await connection.close()
            for login in server.logins:
                await login.wait_closed()
        assert open_files() == before

    run(scenario())
