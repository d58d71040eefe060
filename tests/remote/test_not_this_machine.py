"""Where this machine is not allowed, no name, alias, proxy or port of it gets a connection, and nobody logs in."""

from __future__ import annotations

import asyncio
import shutil
import subprocess
import sys
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from deployer.model.allowed import EVERYTHING, Allowed
from deployer.model.here import Here
from deployer.remote import Link, NotLetInError, by_openssh
from deployer.remote.openssh import reach
from deployer.remote.ssh import connect
from tests.fakes import cluster, node, run
from tests.remote.sshd import HOST_KEY, OTHER_HOST_KEY, Sshd, sshd

if TYPE_CHECKING:
    from pathlib import Path

    import asyncssh

LEADS = "leads to the machine that deploys"
CONNECTS = """\
import os, select, socket, sys
channel = socket.create_connection(("127.0.0.1", int(sys.argv[1])))
while True:
    ready = select.select([0, channel], [], [])[0]
    data = os.read(0, 65536) if 0 in ready else b""
    if 0 in ready:
        if not data:
            break
        channel.sendall(data)
    if channel in ready:
        data = channel.recv(65536)
        if not data:
            break
        os.write(1, data)
"""


def shows(key: asyncssh.SSHKey) -> str:
    return " ".join(key.export_public_key().decode().split()[:2])


def pushed(path: Path, server: Sshd, *keys: asyncssh.SSHKey) -> Allowed:
    """What a push may name: the server's identity file, and not this machine, which shows `keys`."""
    here = Here(host_keys=frozenset(map(shows, keys)))
    return Allowed(files=frozenset({str(server.identity)}), here=here, home=str(path))


def proxied(home: Path, server: Sshd) -> str:
    """The name of a machine that ~/.ssh/config reaches by a program: nobody sees which address that is."""
    script = home / "connects.py"
    script.write_text(CONNECTS)
    (home / ".ssh/config").write_text(f"Host behind\n  ProxyCommand {sys.executable} {script} {server.port}\n")
    return "behind"


@pytest.mark.parametrize("address", ["127.0.0.1", "localhost", "alias"])
def test_an_own_address_under_any_name(tmp_path: Path, home: Path, address: str) -> None:
    (home / ".ssh/config").write_text("Host alias\n  HostName 127.0.0.1\n")

    async def scenario() -> Sshd:
        async with sshd(tmp_path) as server:
            machine = replace(server.node(), address=address)
            known = server.known(host=address)
            with pytest.raises(NotLetInError, match=LEADS) as caught:
                await connect(machine, known, None, pushed(tmp_path, server))
            assert "git config --add deployer.allow local" in caught.value.help
            await (await connect(machine, known, None, EVERYTHING)).close()
            assert len(server.users) == 1, "nobody was asked for a key before"
            return server

    run(scenario())


def test_its_own_host_key_behind_whatever_proxy(tmp_path: Path, home: Path) -> None:
    async def scenario() -> None:
        async with sshd(tmp_path) as server:
            machine = replace(server.node(), address=proxied(home, server))
            known = server.known(host="behind")
            with pytest.raises(NotLetInError, match=LEADS):
                await connect(machine, known, None, pushed(tmp_path, server, HOST_KEY))
            await (await connect(machine, known, None, pushed(tmp_path, server, OTHER_HOST_KEY))).close()
            assert server.commands == []

    run(scenario())


@pytest.mark.skipif(shutil.which("ssh") is None, reason="there is no ssh")
def test_the_openssh_client(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))

    async def scenario() -> None:
        async with sshd(tmp_path) as server:
            machine = server.node(client="openssh")
            with pytest.raises(NotLetInError, match=LEADS):
                await by_openssh.connect(machine, server.known(), None, pushed(tmp_path, server))
            assert server.logins == []
            with pytest.raises(NotLetInError, match="names a file of the machine that deploys"):
                await by_openssh.connect(machine, server.known(), None, Allowed(local=True))
            for known in (server.known(), ""):
                way = reach(machine, known, None, pushed(tmp_path, server, HOST_KEY))
                argv = ("ssh", "-o", "BatchMode=yes", *way.arguments, "127.0.0.1", "--", "true")
                done = await _run(argv)
                assert done.returncode == 255
                assert by_openssh._REVOKED in done.stderr, done.stderr
            assert server.users == []

    run(scenario())


async def _run(argv: tuple[str, ...]) -> subprocess.CompletedProcess[str]:
    return await asyncio.to_thread(subprocess.run, argv, capture_output=True, text=True, check=False, timeout=60)


def test_the_machine_itself_without_ssh() -> None:
    async def scenario() -> None:
        wanted = replace(cluster(node("m1", address="local")), allowed=Allowed())
        async with Link(wanted) as link:
            with pytest.raises(NotLetInError, match="m1 leads to the machine that deploys"):
                await link.to("m1")
        async with Link(replace(wanted, allowed=Allowed(local=True))) as link:
            await link.to("m1")

    run(scenario())


def test_an_identity_file_that_is_not_allowed_is_not_read(tmp_path: Path) -> None:
    async def scenario() -> None:
        async with sshd(tmp_path) as server:
            with pytest.raises(NotLetInError, match="names a file of the machine that deploys") as caught:
                await connect(server.node(), server.known(), None, Allowed(local=True))
            assert str(server.identity) in caught.value.help
            assert server.logins == []

    run(scenario())
