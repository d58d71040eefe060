"""OpenSSH's own client goes where our connections go, and believes whom they believe."""

from __future__ import annotations

import asyncio
import shutil
import subprocess
from typing import TYPE_CHECKING

import asyncssh
import pytest

from deployer.remote.openssh import Reach, config, reach
from tests.fakes import node, run
from tests.remote.sshd import HOST_KEY, OTHER_HOST_KEY, RSA_HOST_KEY, sshd

if TYPE_CHECKING:
    from pathlib import Path

    from deployer.model.cluster import Node
    from tests.remote.sshd import Sshd

pytestmark = pytest.mark.skipif(shutil.which("ssh") is None, reason="there is no ssh")
KEY, OTHER, RSA = (key.export_public_key().decode().strip() for key in (HOST_KEY, OTHER_HOST_KEY, RSA_HOST_KEY))


@pytest.fixture(autouse=True)
def _cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache with space"))


async def enter(machine: Node, known_hosts: str) -> tuple[int, str, str]:
    """`ssh`'s end; nobody's own configuration counts (ssh finds that by the system's list of users, not by HOME)."""
    way = reach(machine, known_hosts)
    argv = ("ssh", "-F", "none", *way.arguments, way.destination, "--", "echo hello")
    done = await asyncio.to_thread(
        subprocess.run, argv, capture_output=True, text=True, stdin=subprocess.DEVNULL, check=False
    )
    return done.returncode, done.stdout, done.stderr


def tried(tmp_path: Path, lines: str, **ssh: str) -> tuple[int, str, str, Sshd]:
    async def scenario() -> tuple[int, str, str, Sshd]:
        async with sshd(tmp_path) as server:
            text = lines.format(port=server.port, key=KEY, other=OTHER, rsa=RSA)
            return *await enter(server.node(**ssh), text), server

    return run(scenario())


@pytest.mark.parametrize(
    "lines",
    ["127.0.0.1 {key}", "[127.0.0.1]:{port} {key}", "* {key}", "127.0.0.1 {other}\n127.0.0.1 {key}\n10.0.0.1 {other}"],
)
def test_a_machine_whose_key_the_repository_knows(lines: str, tmp_path: Path) -> None:
    status, out, err, server = tried(tmp_path, lines, user="deploy")
    assert (status, out) == (0, "hello\n"), err
    assert set(server.users) == {"deploy"}


@pytest.mark.parametrize("lines", ["127.0.0.1 {other}", "127.0.0.1 {rsa}", "127.0.0.1 {key}\n@revoked 127.0.0.1 {key}"])
def test_another_key_than_the_repositorys_is_refused(lines: str, tmp_path: Path) -> None:
    status, _, err, server = tried(tmp_path, lines)
    assert status == 255
    assert "verification failed" in err or "no matching host key" in err.lower()
    assert server.users == []


def test_a_machine_that_nobody_knows_is_not_entered_without_a_terminal(tmp_path: Path) -> None:
    status, _, err, server = tried(tmp_path, "10.0.0.1 {key}")
    assert (status, server.users) == (255, [])
    assert "Host key verification failed" in err


def test_an_authority_signs_for_the_machines_own_name(tmp_path: Path) -> None:
    async def scenario() -> tuple[int, str, str]:
        authority = asyncssh.generate_private_key("ssh-ed25519")
        certificate = authority.generate_host_certificate(HOST_KEY, "m1", principals=["127.0.0.1"])
        async with sshd(tmp_path, host_keys=((HOST_KEY, certificate),)) as server:  # type: ignore[arg-type] # a pair is one, too
            return await enter(server.node(), f"@cert-authority 127.0.0.1 {authority.export_public_key().decode()}")

    status, out, err = run(scenario())
    assert (status, out) == (0, "hello\n"), err


def test_the_same_as_a_file() -> None:
    first = Reach("192.0.2.1", (("Port", "22"), ("User", "root")))
    assert config([first, first.without("User")]) == (
        "Host 192.0.2.1\n    Port 22\n    User root\n\nHost 192.0.2.1\n    Port 22\n\n"
        "Match all\n    Include ~/.ssh/config\n    Include /etc/ssh/ssh_config\n"
    )


def test_what_the_files_do_not_say_is_left_to_ssh() -> None:
    assert reach(node("m1", "192.0.2.1"), "").options == (("StrictHostKeyChecking", "ask"), ("ConnectTimeout", "5"))
