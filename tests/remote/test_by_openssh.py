"""The same connection by the OpenSSH client: commands, sockets, and what it says where nobody is let in."""

from __future__ import annotations

import asyncio
import shutil
import socket
from typing import TYPE_CHECKING

import asyncssh
import pytest

from deployer.errors import TimedOutError
from deployer.model.cluster import Ssh
from deployer.model.command import Command
from deployer.remote import ConnectionFailedError, Link, NoAnswerError, NotLetInError, TcpPort, UnixSocket
from deployer.remote.by_openssh import OpenSshConnection, connect, host_key
from tests.fakes import cluster, node, run
from tests.remote.sshd import HOST_KEY, OTHER_HOST_KEY, sshd

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable
    from pathlib import Path

    from tests.remote.sshd import Sshd

pytestmark = pytest.mark.skipif(shutil.which("ssh") is None, reason="there is no ssh")


@pytest.fixture(autouse=True)
def _own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))


def within(tmp_path: Path, scenario: Callable[[OpenSshConnection, Sshd], Awaitable[None]]) -> Sshd:
    async def whole() -> Sshd:
        async with sshd(tmp_path) as server:
            connection = await connect(server.node(client="openssh"), server.known())
            try:
                await scenario(connection, server)
            finally:
                await connection.close()
            return server

    return run(whole())


def test_commands_share_one_connection(tmp_path: Path) -> None:
    async def scenario(connection: OpenSshConnection, _: Sshd) -> None:
        lines: list[str] = []
        done = await connection.run(Command(("sh", "-c", "cat; echo its >&2; exit 3"), stdin=b"a\nb\n"), lines.append)
        assert (done.status, done.stdout, done.stderr) == (3, "a\nb\n", "its\n")
        assert sorted(lines) == ["a", "b", "its"]
        many = await asyncio.gather(*(connection.run(Command(("echo", f"{n} $x"))) for n in range(5)))
        assert [one.stdout for one in many] == [f"{n} $x\n" for n in range(5)]

    server = within(tmp_path, scenario)
    assert len(server.logins) == 1
    assert server.commands[1] == "timeout -k 5 60 sh -c 'cat; echo its >&2; exit 3'"


def test_sockets(tmp_path: Path) -> None:
    async def echo(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(await reader.read(100))
        await writer.drain()
        writer.close()

    async def scenario(connection: OpenSshConnection, server: Sshd) -> None:
        path = str(tmp_path / "engine")
        tcp = await asyncio.start_server(echo, "127.0.0.1", 0)
        async with await asyncio.start_unix_server(echo, path), tcp:
            for place in (UnixSocket(path), UnixSocket(path), TcpPort("127.0.0.1", tcp.sockets[0].getsockname()[1])):
                stream = await connection.open(place)
                await stream.write(b"hello")
                assert await stream.read(100) == b"hello"
                stream.close()
        assert server.sockets == [path, path]

    assert len(within(tmp_path, scenario).logins) == 1


def test_nothing_is_left_behind(tmp_path: Path) -> None:
    folders: list[Path] = []

    async def scenario(connection: OpenSshConnection, _: Sshd) -> None:
        folders.append(connection._folder)
        assert (connection._folder / "s").is_socket()

    within(tmp_path, scenario)
    assert not folders[0].exists()


def test_a_command_that_takes_too_long_is_ended_over_there(tmp_path: Path) -> None:
    async def scenario(connection: OpenSshConnection, server: Sshd) -> None:
        with pytest.raises(TimedOutError, match="`sleep` took longer than 1 s"):
            await connection.run(Command(("sleep", "600"), timeout=1))
        assert server.commands[-1] == "timeout -k 5 1 sleep 600"

    within(tmp_path, scenario)


@pytest.mark.parametrize("what", ["key", "host key", "closed", "silent"])
def test_where_nobody_is_let_in_ssh_says_why(what: str, tmp_path: Path) -> None:
    async def scenario() -> ConnectionFailedError:
        async with sshd(tmp_path) as server:
            other = tmp_path / "other"
            other.write_bytes(asyncssh.generate_private_key("ssh-ed25519").export_private_key())
            other.chmod(0o600)
            with socket.create_server(("127.0.0.1", 0)) as silent:
                changes = {
                    "key": {"identity_file": str(other)},
                    "silent": {"port": silent.getsockname()[1], "connect_timeout": 1.0},
                }
                at = server.node(client="openssh", **changes.get(what, {}))
                if what == "closed":
                    silent.close()
                    at = node(ssh=Ssh(port=silent_port(), client="openssh"))
                key = OTHER_HOST_KEY if what == "host key" else HOST_KEY
                known = f"127.0.0.1 {key.export_public_key().decode()}"
                with pytest.raises(ConnectionFailedError) as caught:
                    await connect(at, known)
                return caught.value

    error = run(scenario())
    kind, word = {
        "key": (NotLetInError, "Permission denied"),
        "host key": (NotLetInError, "Host key verification failed"),
        "closed": (ConnectionFailedError, "refused"),
        "silent": (NoAnswerError, "no answer from 127.0.0.1 within 1 s"),
    }[what]
    assert type(error) is kind
    assert word in error.message
    assert "\n" not in error.message


def test_a_host_key_is_shown_without_a_login(tmp_path: Path) -> None:
    async def scenario() -> tuple[str, Sshd]:
        async with sshd(tmp_path) as server:
            return await host_key(server.node(client="openssh")), server

    shown, server = run(scenario())
    assert shown == " ".join(HOST_KEY.export_public_key().decode().split()[:2])
    assert server.commands == []
    with pytest.raises(ConnectionFailedError, match="refused"):
        run(host_key(node(ssh=Ssh(port=silent_port()))))


def silent_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port: int = listener.getsockname()[1]
    return port


def test_a_file_says_that_this_client_is_to_be_used(tmp_path: Path) -> None:
    async def scenario() -> Sshd:
        async with sshd(tmp_path) as server:
            async with Link(cluster(server.node(client="openssh"), known_hosts=server.known())) as link:
                connection = await link.to("m1")
                assert isinstance(connection, OpenSshConnection)
                assert (await connection.run(Command(("echo", "hello")))).stdout == "hello\n"
            return server

    assert len(run(scenario()).logins) == 1
