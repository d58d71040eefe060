"""Ports that are knocked at, with the real scripts: this machine to itself."""

from __future__ import annotations

import contextlib
import os
import shutil
import socket
import subprocess
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from deployer.model.command import Completed
from deployer.model.ports import ports_between, swarm_ports
from deployer.model.registrator import Registrator
from deployer.remote import ports
from deployer.remote.local import LocalConnection
from deployer.remote.ports import LISTEN, LISTEN_SECONDS, Found, Way, complaints, look
from tests.fakes import FakeConnection, cluster, run
from tests.literals.desired import make_node
from tests.processes import started
from tests.waiting import GENEROUS

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator

    from deployer.model.ports import Port

perl = pytest.mark.skipif(not shutil.which("perl"), reason="there is no perl here")


@contextlib.contextmanager
def bound() -> Iterator[tuple[socket.socket, int]]:
    """A port that nobody had, with TCP and UDP, below those that the kernel gives to whoever asks for any."""
    first = 10_000 + os.getpid() % 10_000
    for number in range(first, first + 10_000):
        with socket.socket() as tcp, socket.socket(type=socket.SOCK_DGRAM) as udp:
            try:
                tcp.bind(("", number))
                udp.bind(("", number))
            except OSError:
                continue
            yield tcp, number
            return
    pytest.fail("no port is free")


@pytest.fixture
def free() -> int:
    """A port that nobody has."""
    with bound() as (_, number):
        return number


@pytest.fixture
def taken() -> Iterator[int]:
    """One that UDP and TCP have, and where nobody says anything."""
    with bound() as (tcp, number):
        tcp.listen()
        yield number


@pytest.fixture(autouse=True)
def patient(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where an answer comes it may take long: perl has to start."""
    monkeypatch.setattr(ports, "KNOCK_SECONDS", LISTEN_SECONDS - 5)


@pytest.fixture
def impatient(patient: None, monkeypatch: pytest.MonkeyPatch) -> None:
    """None comes."""
    monkeypatch.setattr(ports, "KNOCK_SECONDS", 1)


def seen(*ways: Way, listeners: Collection[str] = ("b",)) -> list[tuple[Port, str]]:
    async def scenario() -> tuple[Found, ...]:
        here = LocalConnection()
        return await look({"a": here, "b": here}, ways, listeners)

    return [(one.way.port, one.state) for one in run(scenario())]


def way(number: int, protocol: str, address: str = "127.0.0.1", *, sure: bool = False) -> Way:
    return Way("a", "b", address, (number, "udp" if protocol == "udp" else "tcp"), sure)


@perl
def test_somebody_listens_where_nobody_did_and_is_gone_afterwards(free: int) -> None:
    both = (way(free, "tcp"), way(free, "udp"))
    assert [state for _, state in seen(*both)] == ["open", "open"]
    for kind in (socket.SOCK_STREAM, socket.SOCK_DGRAM):
        with socket.socket(type=kind) as again:
            again.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            again.bind(("127.0.0.1", free))


@perl
def test_who_listens_is_gone_when_nobody_hears_it_any_more(free: int) -> None:
    """As when deployer is killed: a minute later the port would have been an overlay network's."""
    argv = ["perl", "-", str(LISTEN_SECONDS), "word", f"{free}/udp"]
    with started(argv, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        assert process.stdin
        assert process.stdout
        process.stdin.write(LISTEN.encode())
        process.stdin.close()
        assert process.stdout.readline().startswith(b"ready")
        process.stdout.close()
        process.wait(GENEROUS)


@perl
@pytest.mark.usefixtures("impatient")
def test_a_port_in_use_tells_of_tcp_only(taken: int) -> None:
    assert [state for _, state in seen(way(taken, "tcp"), way(taken, "udp"))] == ["open", "unknown"]


@perl
def test_who_is_refused_got_through_unless_somebody_listens_there(free: int) -> None:
    """As a firewall does that rejects: it looks like a port at which nobody listens."""
    assert seen(way(free, "tcp"), listeners=()) == [((free, "tcp"), "open")]
    assert seen(way(free, "tcp", sure=True), listeners=()) == [((free, "tcp"), "closed")]


@perl
def test_an_address_to_which_no_way_leads(free: int) -> None:
    """The kernel itself refuses a TCP connection to everybody, whatever the network does with strange addresses."""
    assert seen(way(free, "tcp", "255.255.255.255")) == [((free, "tcp"), "closed")]


def test_without_perl_nothing_is_known() -> None:
    none = FakeConnection({}, {"perl": Completed(127, "", "perl: not found")})

    async def scenario() -> tuple[Found, ...]:
        return await look({"a": none, "b": none}, [way(1, "tcp")], {"b"})

    (found,) = run(scenario())
    assert (found.state, found.why) == ("unknown", "there is no perl on a")


def test_complaints_are_a_line_a_pair() -> None:
    shut = [Found(way(number, "tcp"), "closed") for number in (2377, 7946)]
    other = Found(Way("b", "a", "192.0.2.1", (7946, "udp")), "closed")
    assert complaints([*shut, Found(way(1, "tcp"), "open"), other]) == (
        "a cannot reach b at 127.0.0.1 ports 2377/tcp, 7946/tcp",
        "b cannot reach a at 192.0.2.1 port 7946/udp",
    )


class TestWhichPorts:
    MANAGER = make_node("m", "manager", consul="server")
    WORKER = make_node("w", "worker")
    AGENT = make_node("a", "none", consul="agent")

    def test_members_reach_a_manager_at_one_more(self) -> None:
        assert set(swarm_ports("manager")) - set(swarm_ports("worker")) == {(2377, "tcp")}
        assert swarm_ports("none") == ()

    def test_consul_is_between_those_that_have_it_and_where_registrators_go(self) -> None:
        both = cluster(self.MANAGER, self.WORKER, self.AGENT)
        assert ports_between(both, self.AGENT, self.MANAGER) == ((8300, "tcp"), (8301, "tcp"), (8301, "udp"))
        assert ports_between(both, self.MANAGER, self.AGENT) == ((8301, "tcp"), (8301, "udp"))
        assert ports_between(both, self.WORKER, self.AGENT) == ()
        assert (8500, "tcp") not in ports_between(both, self.WORKER, self.MANAGER)
        with_one = replace(both, registrator=Registrator())
        assert (8500, "tcp") in ports_between(with_one, self.WORKER, self.MANAGER)
