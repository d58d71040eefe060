from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import pytest

from deployer.model.cluster import Node, Ssh
from deployer.remote import Connection, ConnectionFailedError, Link
from deployer.remote.local import LocalConnection
from tests.fakes import cluster, node, run
from tests.remote.sshd import sshd

if TYPE_CHECKING:
    from pathlib import Path


class Noted(LocalConnection):
    """A connection that tells whether it was closed."""

    def __init__(self) -> None:
        super().__init__()
        self.closed = False

    async def close(self) -> None:
        self.closed = True


def test_however_many_ask_there_is_one_connection_a_machine(tmp_path: Path) -> None:
    async def scenario() -> None:
        async with sshd(tmp_path) as server:
            machines = cluster(server.node("m1"), server.node("m2"), known_hosts=server.known())
            async with Link(machines) as link:
                first = await asyncio.gather(*(link.to("m1") for _ in range(20)))
                assert len(set(map(id, first))) == 1
                assert await link.to("m2") is not first[0]
                assert await link.to("m1") is first[0]
            assert len(server.logins) == 2
            await asyncio.gather(*(login.wait_closed() for login in server.logins))

    run(scenario())


def test_dialling_begins_with_all_of_them_and_waits_for_none() -> None:
    begun: list[str] = []

    async def connect(wanted: Node) -> Noted:
        begun.append(wanted.name)
        if wanted.name == "m2":
            raise ConnectionFailedError("m2: refused")
        return Noted()

    async def scenario() -> None:
        async with Link(cluster(node("m1"), node("m2"), node("m3")), connect) as link:
            link.dial()
            assert begun == []
            await link.to("m3")
            assert begun == ["m1", "m2", "m3"]
            with pytest.raises(ConnectionFailedError):
                await link.to("m2")
            assert len(begun) == 3

    run(scenario())


def test_a_failure_is_remembered_and_costs_its_time_out_once() -> None:
    tried = 0

    async def fail(_: Node) -> Connection:
        nonlocal tried
        tried += 1
        await asyncio.sleep(0)
        raise ConnectionFailedError("no answer")

    async def scenario() -> None:
        async with Link(cluster(node()), fail) as link:
            for _ in range(3):
                with pytest.raises(ConnectionFailedError, match=r"^no answer$"):
                    await link.to("m1")
            outcomes = await asyncio.gather(*(link.to("m1") for _ in range(3)), return_exceptions=True)
            assert all(isinstance(outcome, ConnectionFailedError) for outcome in outcomes)

    run(scenario())
    assert tried == 1


def test_a_machine_that_hangs_does_not_hold_up_another() -> None:
    async def connect(wanted: Node) -> Connection:
        if wanted.name == "hangs":
            await asyncio.Event().wait()
        return Noted()

    async def scenario() -> None:
        async with Link(cluster(node("hangs"), node("m1")), connect) as link:
            waiting = asyncio.ensure_future(link.to("hangs"))
            await link.to("m1")
            assert not waiting.done()
            waiting.cancel()

    run(scenario())


def test_everything_is_closed_at_the_end_also_after_an_error() -> None:
    made: list[Noted] = []

    async def connect(wanted: Node) -> Connection:
        if wanted.name == "down":
            raise ConnectionFailedError("down")
        made.append(Noted())
        return made[-1]

    async def scenario() -> None:
        async with Link(cluster(node("m1"), node("m2"), node("down")), connect) as link:
            with pytest.raises(ConnectionFailedError):
                await link.to("down")
            await link.to("m1")
            await link.to("m2")
            raise RuntimeError

    with pytest.raises(RuntimeError):
        run(scenario())
    assert [connection.closed for connection in made] == [True, True]


def test_who_gives_up_waiting_does_not_end_the_attempt_for_others() -> None:
    begun = asyncio.Event()
    go = asyncio.Event()

    async def connect(_: Node) -> Connection:
        begun.set()
        await go.wait()
        return Noted()

    async def scenario() -> None:
        async with Link(cluster(node()), connect) as link:
            impatient = asyncio.ensure_future(link.to("m1"))
            patient = asyncio.ensure_future(link.to("m1"))
            await begun.wait()
            impatient.cancel()
            await asyncio.sleep(0)
            go.set()
            assert isinstance(await patient, Noted)

    run(scenario())


def test_a_run_that_is_cancelled_while_it_connects_leaves_nothing(tmp_path: Path) -> None:
    """The machine accepts and says nothing: neither a task nor a socket of ours stays (warnings are errors)."""

    async def scenario() -> None:
        came = asyncio.Event()
        gone = asyncio.Event()

        async def silent(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            came.set()
            await reader.read()
            writer.close()
            gone.set()

        async with await asyncio.start_server(silent, "127.0.0.1", 0) as server:
            port = server.sockets[0].getsockname()[1]

            async def use() -> None:
                async with Link(cluster(node(ssh=Ssh(port=port)))) as link:
                    await link.to("m1")

            using = asyncio.ensure_future(use())
            await came.wait()
            using.cancel()
            with pytest.raises(asyncio.CancelledError):
                await using
            await gone.wait()

    run(scenario())


def test_a_local_machine_needs_no_ssh(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("DOCKER_HOST", raising=False)

    async def scenario() -> None:
        async with Link(cluster(node(address="local"))) as link:
            assert isinstance(await link.to("m1"), LocalConnection)

    run(scenario())


@pytest.mark.parametrize("host", ["tcp://10.0.0.1:2375", "ssh://root@m1", "nonsense"])
def test_docker_host_elsewhere_is_not_this_machine(host: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DOCKER_HOST", host)

    async def scenario() -> None:
        async with Link(cluster(node(address="local"))) as link:
            with pytest.raises(ConnectionFailedError, match=f"DOCKER_HOST is {host}"):
                await link.to("m1")

    run(scenario())
