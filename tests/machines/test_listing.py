"""What is said of machines that answer, and of those that do not, over real SSH on the loopback."""

from __future__ import annotations

import asyncio
import time
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace
from typing import TYPE_CHECKING

import asyncssh
import pytest

from deployer.certificates import issue
from deployer.certificates.store import server_files
from deployer.machines import listing
from deployer.machines.listed import listing_text
from deployer.machines.listing import Listed, ask_engine_version, ask_machines
from deployer.model.cluster import Engine, Ssh
from deployer.remote import ConnectionFailedError
from tests.fakes import FakeConnection, cluster, link, node, run, run_without_waiting
from tests.machines.engines import ALONE, MANAGER, WORKER, closed, engines, mute
from tests.remote.sshd import HOST_KEY, USER_KEY

if TYPE_CHECKING:
    from pathlib import Path

    from deployer.model.cluster import Node, Role

KEY = HOST_KEY.export_public_key().decode()
SECONDS = 60.0
"""For machines that answer, which may take them long on a busy machine."""


@pytest.fixture
def identity(tmp_path: Path) -> str:
    path = tmp_path / "id"
    path.write_bytes(USER_KEY.export_private_key())
    path.chmod(0o600)
    return str(path)


def at(name: str, port: int, identity: str, role: Role = "none") -> Node:
    return node(name, role=role, ssh=Ssh(user="root", port=port, identity_file=identity, connect_timeout=SECONDS))


def test_every_state(identity: str, tmp_path: Path) -> None:
    stranger = tmp_path / "other"
    stranger.write_bytes(asyncssh.generate_private_key("ssh-ed25519").export_private_key())
    stranger.chmod(0o600)

    async def scenario() -> dict[str, Listed]:
        async with engines(MANAGER, WORKER, ALONE, None) as ports:
            with mute() as silent:
                known = f"127.0.0.1 {KEY}\n"
                answer = (
                    at("master", ports[0], identity, "manager"),
                    at("slave", ports[1], identity, "worker"),
                    at("alone", ports[2], identity),
                    at("refuses", closed(), identity, "worker"),
                    at("foreign", ports[0], str(stranger)),
                )
                hang = (at("hangs", ports[3], identity), at("mute", silent, identity))
                told = await ask_machines(cluster(*answer, known_hosts=known), answer, {}, SECONDS)
                told += await ask_machines(cluster(*hang, known_hosts=known), hang, {}, 1)
                return {one.node.name: one for one in told}

    found = run(scenario())
    assert {name: (one.state, one.swarm, one.engine) for name, one in found.items()} == {
        "master": ("Running", "master (master)", "26.1.5"),
        "slave": ("Running", "master", "26.1.5"),
        "alone": ("Running", "", "26.1.5"),
        "hangs": ("Timeout", "", ""),
        "refuses": ("Stopped", "master", ""),
        "mute": ("Timeout", "", ""),
        "foreign": ("Error", "", ""),
    }
    assert found["mute"].error == "no answer within 1 s"
    assert found["foreign"].error == "127.0.0.1 does not let root in: no key is accepted"


def test_machines_that_hang_cost_the_time_out_once(monkeypatch: pytest.MonkeyPatch) -> None:
    async def hang(_: object) -> None:
        await asyncio.Event().wait()

    machines = {f"m{number}": FakeConnection({"GET /version": hang}) for number in range(3)}
    machines["m3"] = FakeConnection({"GET /info": ALONE})
    nodes = tuple(node(name, role="none") for name in machines)
    monkeypatch.setattr(listing, "Link", lambda members: link(machines, members))
    told = run_without_waiting(ask_machines(cluster(*nodes), nodes, {}, 10))
    assert [one.state for one in told] == ["Timeout", "Timeout", "Timeout", "Running"]
    assert [one.seconds for one in told] == pytest.approx([10, 10, 10, 0])


def test_a_host_key_that_is_another_one_is_an_error(identity: str) -> None:
    async def scenario() -> Listed:
        async with engines(ALONE) as ports:
            other = asyncssh.generate_private_key("ssh-ed25519").export_public_key().decode()
            machine = at("m1", ports[0], identity)
            return (await ask_machines(cluster(machine, known_hosts=f"127.0.0.1 {other}\n"), [machine], {}, SECONDS))[0]

    one = run(scenario())
    assert one.state == "Error"
    assert "the machine was re-installed, or somebody listens in" in one.error


def test_the_version_of_an_engine_that_cannot_be_asked_is_an_error(identity: str) -> None:
    machine = at("m1", closed(), identity)
    with pytest.raises(ConnectionFailedError):
        run(ask_engine_version(cluster(machine), machine, SECONDS))


def test_a_clock_that_is_off_is_told_and_an_error_from_a_minute_on(
    identity: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """By the engine's own SystemTime, with nine digits behind the second."""
    here = time.time()
    monkeypatch.setattr(listing, "time", SimpleNamespace(time=lambda: here))  # this machine's clock stands

    def info(seconds: float) -> dict[str, str]:
        when = datetime.fromtimestamp(here + seconds, UTC)
        return {"SystemTime": f"{when:%Y-%m-%dT%H:%M:%S.%f}123Z"}

    async def scenario() -> tuple[Listed, ...]:
        async with engines(info(0), info(-900), ALONE) as ports:
            nodes = [at(name, port, identity) for name, port in zip("abc", ports, strict=True)]
            return await ask_machines(cluster(*nodes, known_hosts=f"127.0.0.1 {KEY}\n"), nodes, {}, SECONDS)

    right, behind, silent = run(scenario())
    assert right.clock_ahead == pytest.approx(0, abs=0.001)
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
            return (await ask_machines(cluster(secured, known_hosts=f"127.0.0.1 {KEY}\n"), (secured,), {}, SECONDS))[0]

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
