"""What is said of machines that answer, and of those that do not, over real SSH on the loopback."""

from __future__ import annotations

import time
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import asyncssh
import pytest

from deployer.certificates import issue
from deployer.certificates.store import server_files
from deployer.machines import listing
from deployer.machines.listed import listing_text
from deployer.machines.listing import Listed, ask, engine_version
from deployer.model.cluster import Engine, Ssh
from deployer.remote import ConnectionFailedError
from tests.fakes import cluster, node, run
from tests.machines.engines import ALONE, MANAGER, WORKER, closed, engines, mute
from tests.remote.sshd import HOST_KEY, USER_KEY

if TYPE_CHECKING:
    from pathlib import Path

    from deployer.model.cluster import Node, Role

KEY = HOST_KEY.export_public_key().decode()
SECONDS = 1.0


@pytest.fixture
def identity(tmp_path: Path) -> str:
    path = tmp_path / "id"
    path.write_bytes(USER_KEY.export_private_key())
    path.chmod(0o600)
    return str(path)


def at(name: str, port: int, identity: str, role: Role = "none") -> Node:
    return node(name, role=role, ssh=Ssh(user="root", port=port, identity_file=identity))


def test_every_state_at_once_costs_the_time_out_once(identity: str, tmp_path: Path) -> None:
    stranger = tmp_path / "other"
    stranger.write_bytes(asyncssh.generate_private_key("ssh-ed25519").export_private_key())
    stranger.chmod(0o600)

    async def scenario() -> tuple[dict[str, Listed], float]:
        async with engines(MANAGER, WORKER, ALONE, None) as ports:
            with mute() as silent, mute() as silent_too:
                nodes = (
                    at("master", ports[0], identity, "manager"),
                    at("slave", ports[1], identity, "worker"),
                    at("alone", ports[2], identity),
                    at("hangs", ports[3], identity),
                    at("refuses", closed(), identity, "worker"),
                    at("mute", silent, identity),
                    at("mute2", silent_too, identity),
                    at("foreign", ports[0], str(stranger)),
                )
                began = time.monotonic()
                asked = await ask(cluster(*nodes, known_hosts=f"127.0.0.1 {KEY}\n"), nodes, {}, SECONDS)
                return {one.node.name: one for one in asked}, time.monotonic() - began

    found, seconds = run(scenario())
    assert {name: (one.state, one.swarm, one.engine) for name, one in found.items()} == {
        "master": ("Running", "master (master)", "26.1.5"),
        "slave": ("Running", "master", "26.1.5"),
        "alone": ("Running", "", "26.1.5"),
        "hangs": ("Timeout", "", ""),
        "refuses": ("Stopped", "master", ""),
        "mute": ("Timeout", "", ""),
        "mute2": ("Timeout", "", ""),
        "foreign": ("Error", "", ""),
    }
    assert found["mute"].error == "no answer within 1 s"
    assert found["foreign"].error == "127.0.0.1 does not let root in: no key is accepted"
    assert seconds < 3 * SECONDS, "three of them hang: each costs its own time, all at once"


def test_a_host_key_that_is_another_one_is_an_error(identity: str) -> None:
    async def scenario() -> Listed:
        async with engines(ALONE) as ports:
            other = asyncssh.generate_private_key("ssh-ed25519").export_public_key().decode()
            machine = at("m1", ports[0], identity)
            return (await ask(cluster(machine, known_hosts=f"127.0.0.1 {other}\n"), [machine], {}, SECONDS))[0]

    one = run(scenario())
    assert one.state == "Error"
    assert "the machine was re-installed, or somebody listens in" in one.error


def test_the_version_of_an_engine_that_cannot_be_asked_is_an_error(identity: str) -> None:
    machine = at("m1", closed(), identity)
    with pytest.raises(ConnectionFailedError):
        engine_version(cluster(machine), machine, SECONDS)


def test_a_clock_that_is_off_is_told_and_an_error_from_a_minute_on(identity: str) -> None:
    """By the engine's own SystemTime, with nine digits behind the second."""

    def info(seconds: float) -> dict[str, str]:
        when = datetime.fromtimestamp(time.time() + seconds, UTC)
        return {"SystemTime": f"{when:%Y-%m-%dT%H:%M:%S.%f}123Z"}

    async def scenario() -> tuple[Listed, ...]:
        async with engines(info(0), info(-900), ALONE) as ports:
            nodes = [at(name, port, identity) for name, port in zip("abc", ports, strict=True)]
            return await ask(cluster(*nodes, known_hosts=f"127.0.0.1 {KEY}\n"), nodes, {}, 10)

    right, behind, silent = run(scenario())
    assert right.clock_ahead is not None
    assert abs(right.clock_ahead) < 10, "the machine is shared"
    assert (right.error, silent.error, silent.clock_ahead) == ("", "", None)
    assert behind.error == "its clock is 15 min behind"


def test_the_end_of_a_certificate_is_told_in_time(
    identity: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is read on the machine, by a real shell; one that lasts is no error, one that cannot be read neither."""
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "data"))
    monkeypatch.setattr(listing, "FOLDER", str(tmp_path))
    (tmp_path / "cert.pem").write_text(server_files("test", ("m1",)).certificate, "utf-8")

    async def asked() -> Listed:
        async with engines(ALONE, commands=True) as ports:
            secured = replace(at("m1", ports[0], identity), engine=Engine(tls=True))
            return (await ask(cluster(secured, known_hosts=f"127.0.0.1 {KEY}\n"), (secured,), {}, 20))[0]

    lasts = run(asked())
    assert (lasts.error, lasts.state) == ("", "Running")
    assert lasts.expires is not None
    assert (
        listing_text([lasts], "{{.Name}} {{.Expires}}")
        == f"m1 {time.strftime('%Y-%m-%d', time.gmtime(lasts.expires))}\n"
    )
    with monkeypatch.context() as early:
        early.setattr(issue, "VALID", timedelta(days=12, hours=1))
        (tmp_path / "cert.pem").write_text(server_files("test", ("m1",)).certificate, "utf-8")
    ends = run(asked())
    assert (ends.state, ends.engine) == ("Running", "26.1.5")
    assert (ends.error, ends.help) == ("its certificate ends in 12 days", "deployer machine regenerate-certs m1")
    (tmp_path / "cert.pem").unlink()
    assert run(asked()).expires is None
