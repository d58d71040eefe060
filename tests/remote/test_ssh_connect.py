"""Who is let in, whose keys are believed, and what a machine that does not answer costs."""

from __future__ import annotations

import asyncio
import socket
from typing import TYPE_CHECKING

import asyncssh
import pytest

from deployer.model.cluster import Ssh
from deployer.model.command import Command
from deployer.remote import ConnectionFailedError
from deployer.remote.clock import read_clock
from deployer.remote.ssh import SshConnection, connect
from tests.fakes import node, pass_time, run, run_without_waiting
from tests.remote.sshd import HOST_KEY, OTHER_HOST_KEY, RSA_HOST_KEY, Sshd, sshd
from tests.waiting import GENEROUS

if TYPE_CHECKING:
    from pathlib import Path

    from deployer.model.cluster import Node

REINSTALLED = "is not the one in cluster/known_hosts: the machine was re-installed, or somebody listens in"


async def echo(connection: SshConnection) -> str:
    return (await connection.run(Command(("echo", "hello")))).stdout


async def refusal(node: Node, known_hosts: str = "") -> ConnectionFailedError:
    with pytest.raises(ConnectionFailedError) as caught:
        await connect(node, known_hosts)
    assert "\n" not in caught.value.message
    return caught.value


def test_a_machine_whose_key_the_repository_knows(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    async def scenario() -> Sshd:
        async with sshd(tmp_path) as server:
            connection = await connect(server.node(user="deploy"), f"# machines\n\n{server.known()}\n")
            assert await echo(connection) == "hello\n"
            await connection.close()
            return server

    server = run(scenario())
    assert set(server.users) == {"deploy"}
    assert len(server.logins) == 1
    assert capfd.readouterr() == ("", ""), "a machine's banner is not for our terminal"


@pytest.mark.parametrize("host", ["127.0.0.1", "[127.0.0.1]", "hashed", "pattern"])
def test_ways_of_naming_a_machine_in_known_hosts(host: str, tmp_path: Path) -> None:
    """A plain name counts for every port, as asyncssh reads it; hashed names are those of `ssh-keygen -H`."""

    async def scenario() -> None:
        async with sshd(tmp_path) as server:
            key = HOST_KEY.export_public_key().decode()
            names = {"127.0.0.1": "127.0.0.1", "[127.0.0.1]": f"[127.0.0.1]:{server.port}", "pattern": "*"}
            names["hashed"] = hashed(f"[127.0.0.1]:{server.port}")
            await (await connect(server.node(), f"{names[host]} {key}")).close()

    run(scenario())


def hashed(name: str) -> str:
    """sshd(8), "SSH_KNOWN_HOSTS FILE FORMAT": `|1|salt|hash`, a HMAC-SHA1 of the name."""
    import base64  # noqa: PLC0415 - here only
    import hashlib  # noqa: PLC0415 - here only
    import hmac  # noqa: PLC0415 - here only

    salt = b"0123456789abcdefghij"
    digest = hmac.new(salt, name.encode(), hashlib.sha1).digest()
    return f"|1|{base64.b64encode(salt).decode()}|{base64.b64encode(digest).decode()}"


def test_an_unknown_host_key(tmp_path: Path) -> None:
    async def scenario() -> None:
        async with sshd(tmp_path) as server:
            error = await refusal(server.node("web"), "10.0.0.1 " + HOST_KEY.export_public_key().decode())
            assert error.message == ("the host key of 127.0.0.1 is not known, so whether it is web cannot be told")
            assert f"ssh-keyscan -p {server.port} 127.0.0.1" in error.help
            assert "cluster/known_hosts" in error.help
            assert server.users == []

    run(scenario())


@pytest.mark.parametrize("listed", [OTHER_HOST_KEY, RSA_HOST_KEY], ids=["same kind", "another kind"])
def test_a_changed_host_key(listed: asyncssh.SSHKey, tmp_path: Path) -> None:
    async def scenario() -> None:
        async with sshd(tmp_path) as server:
            error = await refusal(server.node(), server.known(listed))
            assert error.message == f"the host key of 127.0.0.1 {REINSTALLED}"
            assert "commit" in error.help
            assert server.users == []

    run(scenario())


def test_the_users_own_file_counts_where_the_repository_says_nothing(tmp_path: Path, home: Path) -> None:
    async def scenario() -> None:
        async with sshd(tmp_path) as server:
            own = home / ".ssh" / "known_hosts"
            own.write_text(server.known(), "utf-8")
            await (await connect(server.node(), "")).close()
            own.write_text(server.known(OTHER_HOST_KEY), "utf-8")
            assert (await refusal(server.node())).message.startswith(
                "the host key of 127.0.0.1 is not the one in ~/.ssh/known_hosts"
            )

    run(scenario())


def test_the_repository_is_believed_before_the_users_own_file(tmp_path: Path, home: Path) -> None:
    async def scenario() -> None:
        async with sshd(tmp_path) as server:
            (home / ".ssh" / "known_hosts").write_text(server.known(), "utf-8")
            assert REINSTALLED in (await refusal(server.node(), server.known(OTHER_HOST_KEY))).message

    run(scenario())


def test_a_revoked_key_is_refused_whoever_else_trusts_it(tmp_path: Path, home: Path) -> None:
    async def scenario() -> None:
        async with sshd(tmp_path) as server:
            (home / ".ssh" / "known_hosts").write_text(
                f"@revoked 127.0.0.1 {HOST_KEY.export_public_key().decode()}", "utf-8"
            )
            assert REINSTALLED in (await refusal(server.node(), server.known())).message

    run(scenario())


@pytest.mark.parametrize(
    "line", ["StrictHostKeyChecking no", "UserKnownHostsFile none", "UserKnownHostsFile /dev/null"]
)
def test_host_keys_are_checked_whatever_ssh_config_says(line: str, tmp_path: Path, home: Path) -> None:
    async def scenario() -> None:
        async with sshd(tmp_path) as server:
            (home / ".ssh" / "config").write_text(f"{line}\n", "utf-8")
            assert "is not known" in (await refusal(server.node())).message
            assert server.users == []

    run(scenario())


def test_ssh_config_may_name_another_file_of_known_hosts(tmp_path: Path, home: Path) -> None:
    async def scenario() -> None:
        async with sshd(tmp_path) as server:
            (home / ".ssh" / "config").write_text("UserKnownHostsFile ~/.ssh/elsewhere\n", "utf-8")
            (home / ".ssh" / "elsewhere").write_text(server.known(), "utf-8")
            await (await connect(server.node(), "")).close()

    run(scenario())


def test_ssh_config_is_read_as_ssh_reads_it(tmp_path: Path, home: Path) -> None:
    """A node's address may be an alias: host name, user, port and key then come from ~/.ssh/config."""

    async def scenario() -> Sshd:
        async with sshd(tmp_path) as server:
            (home / ".ssh" / "config").write_text(
                f"Host web\n  HostName 127.0.0.1\n  User deploy\n  Port {server.port}\n  IdentityFile {server.identity}\n"
                "  ForwardAgent yes\n  ForwardX11 yes\n  RequestTTY force\n  RemoteCommand reboot\n",
                "utf-8",
            )
            known = f"web {HOST_KEY.export_public_key().decode()}"
            connection = await connect(node(address="web"), known)
            assert await echo(connection) == "hello\n"
            await connection.close()
            return server

    server = run(scenario())
    assert set(server.users) == {"deploy"}
    assert server.commands == ["timeout -k 5 60 echo hello"]
    assert server.ptys == [None]


def test_a_machine_behind_another(tmp_path: Path, home: Path) -> None:
    """ProxyJump: the jump host is the user's affair, the machine's key is still the repository's."""

    async def scenario() -> tuple[Sshd, Sshd]:
        (tmp_path / "jump").mkdir()
        async with sshd(tmp_path / "jump") as jump, sshd(tmp_path) as server:
            (home / ".ssh" / "known_hosts").write_text(jump.known(), "utf-8")
            (home / ".ssh" / "config").write_text(
                f"Host 127.0.0.1\n  IdentityFile {server.identity}\n"
                f"Match originalhost m1.internal\n  HostName 127.0.0.1\n  ProxyJump ops@127.0.0.1:{jump.port}\n",
                "utf-8",
            )
            at = node(address="m1.internal", ssh=server.node().ssh)
            connection = await connect(at, f"m1.internal {HOST_KEY.export_public_key().decode()}")
            assert await echo(connection) == "hello\n"
            await connection.close()
            return jump, server

    jump, server = run(scenario())
    assert set(jump.users) == {"ops"}
    assert set(server.users) == {"root"}
    assert jump.commands == []


def test_a_silent_machine_behind_another_leaves_no_connection_to_that(tmp_path: Path, home: Path) -> None:
    async def scenario() -> None:
        silent = socket.create_server(("127.0.0.1", 0))
        async with sshd(tmp_path) as jump:
            (home / ".ssh" / "known_hosts").write_text(jump.known(), "utf-8")
            (home / ".ssh" / "config").write_text(
                f"Host 127.0.0.1\n  IdentityFile {jump.identity}\n"
                f"Match originalhost m1.internal\n  HostName 127.0.0.1\n  ProxyJump ops@127.0.0.1:{jump.port}\n",
                "utf-8",
            )
            silent.setblocking(False)
            ssh = Ssh(port=silent.getsockname()[1], connect_timeout=GENEROUS)
            refused = asyncio.ensure_future(refusal(node(address="m1.internal", ssh=ssh)))
            loop = asyncio.get_running_loop()
            came, _ = await loop.sock_accept(silent)
            assert (await loop.sock_recv(came, 100)).startswith(b"SSH-2.0-"), "the way to it is open"
            pass_time(GENEROUS)
            assert "no answer from m1.internal" in (await refused).message
            await jump.logins[0].wait_closed()
        came.close()
        silent.close()

    run(scenario())


@pytest.mark.parametrize("line", ["Port abc", 'Host "unclosed', "Match nonsense x"])
def test_a_broken_ssh_config_is_said_to_be_one(line: str, tmp_path: Path, home: Path) -> None:
    async def scenario() -> None:
        async with sshd(tmp_path) as server:
            (home / ".ssh" / "config").write_text(f"{line}\n", "utf-8")
            assert (await refusal(server.node(), server.known())).message.startswith("~/.ssh/config cannot be read: ")

    run(scenario())


def test_permission_denied(tmp_path: Path) -> None:
    async def scenario() -> None:
        async with sshd(tmp_path) as server:
            other = tmp_path / "other"
            other.write_bytes(asyncssh.generate_private_key("ssh-ed25519").export_private_key())
            other.chmod(0o600)
            error = await refusal(server.node(user="deploy", identity_file=str(other)), server.known())
            assert error.message == "127.0.0.1 does not let deploy in: no key is accepted"
            assert "identity_file" in error.help
            assert server.commands == []

    run(scenario())


def identity(tmp_path: Path, kind: str) -> Path:
    """An identity file with something wrong."""
    path = tmp_path / "bad"
    if kind == "passphrase":
        path.write_bytes(
            asyncssh.generate_private_key("ssh-ed25519").export_private_key("pkcs8-pem", passphrase="pass")
        )
    elif kind != "missing":
        path.write_text("this is no key\n", "utf-8")
    if kind != "missing":
        path.chmod(0o644 if kind == "open" else 0o600)
    return path


@pytest.mark.parametrize(
    ("kind", "message", "advice"),
    [
        ("missing", "identity file {}: No such file or directory", "ssh.identity_file"),
        ("open", "identity file {} can be read by others", "chmod 600 {}"),
        ("passphrase", "identity file {} is protected by a passphrase", "ssh-add {}"),
        ("garbage", "identity file {} is no private key: ", ""),
    ],
)
def test_identity_files(kind: str, message: str, advice: str, tmp_path: Path) -> None:
    path = identity(tmp_path, kind)

    async def scenario() -> None:
        async with sshd(tmp_path) as server:
            error = await refusal(server.node(identity_file=str(path)), server.known())
            assert error.message.startswith(message.format(path))
            assert advice.format(path) in error.help
            assert server.logins == []

    run(scenario())


def test_a_protected_identity_file_is_left_to_the_agent(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The agent here has no key at all: the server is asked, and says no, instead of a demand for a passphrase."""
    path = identity(tmp_path, "passphrase")

    async def agent(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while await reader.read(100):
            writer.write(bytes.fromhex("000000050c00000000"))  # SSH_AGENT_IDENTITIES_ANSWER: none
        writer.close()

    async def scenario() -> None:
        monkeypatch.setenv("SSH_AUTH_SOCK", str(tmp_path / "agent"))
        async with await asyncio.start_unix_server(agent, tmp_path / "agent"), sshd(tmp_path) as server:
            error = await refusal(server.node(identity_file=str(path)), server.known())
            assert error.message == "127.0.0.1 does not let root in: no key is accepted"

    run(scenario())


def test_known_hosts_that_cannot_be_read(tmp_path: Path) -> None:
    async def scenario() -> None:
        async with sshd(tmp_path) as server:
            error = await refusal(server.node(), "one-word-only\n")
            assert error.message.startswith("cluster/known_hosts cannot be read: ")

    run(scenario())


def test_a_server_that_says_nothing_costs_the_time_out() -> None:
    async def scenario() -> float:
        silent = socket.create_server(("127.0.0.1", 0))
        try:
            began = read_clock()
            at = node(ssh=Ssh(port=silent.getsockname()[1], connect_timeout=5.0))
            assert (await refusal(at)).message == "no answer from 127.0.0.1 within 5 s"
            return read_clock() - began
        finally:
            silent.close()

    assert run_without_waiting(scenario()) == pytest.approx(5.0)


def test_a_refused_connection_is_said_at_once() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    error = run(refusal(node(ssh=Ssh(port=port, connect_timeout=GENEROUS))))
    assert error.message.startswith("127.0.0.1: ")
    assert "refused" in error.message.lower() or "Connect call failed" in error.message


def test_a_name_that_does_not_resolve() -> None:
    error = run(refusal(node(address="no-such-machine.invalid")))
    assert error.message.startswith("no-such-machine.invalid: ")


@pytest.mark.parametrize("greeting", [b"HTTP/1.1 400 Bad Request\r\n\r\n", b"SSH-1.5-old\r\n", b"\x00\xff" * 3000])
def test_what_is_no_ssh_server(greeting: bytes) -> None:
    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(greeting)
        await reader.read(100)
        writer.close()

    async def scenario() -> None:
        async with await asyncio.start_server(answer, "127.0.0.1", 0) as server:
            port = server.sockets[0].getsockname()[1]
            assert (await refusal(node(ssh=Ssh(port=port, connect_timeout=GENEROUS)))).message

    run(scenario())


def test_a_server_that_drops_connections_before_it_greets_is_asked_again(tmp_path: Path) -> None:
    """sshd's MaxStartups, when many connect at once."""

    async def scenario() -> int:
        came = 0
        done = asyncio.Event()
        async with sshd(tmp_path) as server:

            async def moody(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
                nonlocal came
                came += 1
                if came > 2:
                    onward, back = await asyncio.open_connection("127.0.0.1", server.port)
                    await asyncio.gather(copy(reader, back), copy(onward, writer))
                    done.set()
                writer.close()

            async with await asyncio.start_server(moody, "127.0.0.1", 0) as front:
                port = front.sockets[0].getsockname()[1]
                known = f"[127.0.0.1]:{port} {HOST_KEY.export_public_key().decode()}"
                connection = await connect(server.node(port=port), known)
                assert await echo(connection) == "hello\n"
                await connection.close()
                await done.wait()
            return came

    assert run(scenario()) == 3


async def copy(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    while data := await reader.read(65536):
        writer.write(data)
    writer.close()


def test_a_server_that_always_drops_is_given_up_on() -> None:
    async def drop(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.close()

    async def scenario() -> None:
        async with await asyncio.start_server(drop, "127.0.0.1", 0) as server:
            error = await refusal(node(ssh=Ssh(port=server.sockets[0].getsockname()[1])))
            assert error.message.startswith("127.0.0.1: ")

    run(scenario())
