"""What is said of machines that answer, and of those that do not, over real SSH on the loopback."""

from __future__ import annotations

import time
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import asyncssh
import pytest

from deployer.machines.listing import Listed, ask, engine_version
from deployer.model.cluster import Ssh
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
