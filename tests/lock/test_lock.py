"""Both kinds of lock against the same suite, and what only one of them can do."""

from __future__ import annotations

import asyncio
import contextlib
import json
import math
import os
import signal
import subprocess
import sys
from typing import TYPE_CHECKING, Any

import pytest

from deployer.consul.session import Sessions
from deployer.errors import BusyError, GuardRefusedError
from deployer.execute.run import execute
from deployer.lock.cluster import cluster_lock, free_index
from deployer.lock.file import MOST_KILLED, file_lock, live_holder
from deployer.lock.hold import Held, clock
from deployer.lock.holder import Holder, read_holder
from deployer.lock.session import Pace, session_lock
from deployer.lock.unlock import break_lock, locked_by, unlock
from deployer.model.cluster import Consul
from deployer.model.command import Completed
from deployer.model.observed import Observed, Unreachable
from deployer.plan.outcome import Done, Skipped
from deployer.remote import ConnectionFailedError
from deployer.remote.clock import read_clock
from deployer.report.documents import report_document
from deployer.report.paint import Paint
from deployer.report.result import report_text
from tests.consul.fake_consul import FakeConsul, Key
from tests.execute.plans import plan, step
from tests.fakes import FakeConnection, Turns, cluster, link, node, run_without_waiting
from tests.lock.conformance import COMMIT, Kind, Punctual, patience, somebody
from tests.processes import started
from tests.waiting import wait_until

if TYPE_CHECKING:
    from contextlib import AbstractAsyncContextManager
    from pathlib import Path

    from deployer.lock.hold import Patience
    from deployer.plan.outcome import Report

PACE = Pace(read_clock=read_clock)
KEY = "deployer/test/lock"
HOLD_AND_SAY_SO = """
import asyncio, sys
from pathlib import Path
from deployer.lock.holder import read_holder
from deployer.lock.hold import Patience
from deployer.lock.file import file_lock

async def hold():
    async with file_lock(Path(sys.argv[1]), "test", read_holder(sys.argv[2].encode()), Patience("test", 0, print)):
        print("held", flush=True)
        await asyncio.to_thread(sys.stdin.read)  # to the end of whoever started it

asyncio.run(hold())
"""


@contextlib.contextmanager
def another_process(directory: Path, me: Holder) -> Any:
    """Holds the lock file; killed at the end."""
    argv = [sys.executable, "-c", HOLD_AND_SAY_SO, str(directory), me.encoded().decode()]
    with started(argv, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout
        assert process.stdout.readline() == "held\n"
        yield process


class File:
    def __init__(self, directory: Path) -> None:
        self.directory = directory

    def hold(self, me: Holder, waiting: Patience) -> AbstractAsyncContextManager[Any]:
        return file_lock(self.directory, "test", me, waiting)

    async def die_with(self, me: Holder) -> None:
        with another_process(self.directory, me):
            pass

    async def unlock(self, lock: str) -> object:
        return await unlock(cluster(node()), link({}), self.directory, lock, "why not")

    async def close(self) -> None:
        pass


class InConsul:
    def __init__(self, consul: FakeConsul) -> None:
        self.consul = consul
        self.clients: list[Sessions] = []

    def client(self) -> Sessions:
        self.clients.append(Sessions(self.consul.connection()))
        return self.clients[-1]

    def hold(self, me: Holder, waiting: Patience) -> AbstractAsyncContextManager[Held]:
        return session_lock(self.client(), "test", me, waiting, pace=PACE)

    async def die_with(self, me: Holder) -> None:
        client = self.client()
        session = await client.create("dead", ttl=PACE.ttl, lock_delay=PACE.lock_delay)
        assert await client.acquire(KEY, me.under(session).encoded(), session)

    async def unlock(self, lock: str) -> object:
        return await break_lock(self.client(), "test", lock, "why not")

    async def close(self) -> None:
        for client in self.clients:
            client.close()


class TestFile(Punctual):
    @pytest.fixture
    def kind(self, tmp_path: Path) -> Kind:
        return File(tmp_path)


class TestConsul(Punctual):
    @pytest.fixture
    def kind(self) -> Kind:
        return InConsul(FakeConsul())


@pytest.fixture
def consul() -> FakeConsul:
    return FakeConsul()


# --- the file ---------------------------------------------------------------------------------------------------------


def test_whoever_was_killed_with_the_file_is_known_by_name(tmp_path: Path) -> None:
    async def scenario() -> None:
        dead = somebody("ann@a")
        with another_process(tmp_path, dead):
            assert live_holder(tmp_path, "test") == dead
        assert live_holder(tmp_path, "test") is None
        async with file_lock(tmp_path, "test", somebody("bob@b"), patience()[0]) as killed:
            assert killed == (dead,)
        async with file_lock(tmp_path, "test", somebody("bob@b"), patience()[0]) as killed:
            assert killed == ()

    run_without_waiting(scenario())


def test_two_that_were_killed_one_after_the_other_are_both_known(tmp_path: Path) -> None:
    """The second one wrote over the first one's name, whose hold in Consul then kept out every other run until it expired."""

    async def scenario() -> None:
        first, second = somebody("ann@a"), somebody("ann@a")
        for dead in (first, second):
            with another_process(tmp_path, dead):
                assert live_holder(tmp_path, "test") == dead
        async with file_lock(tmp_path, "test", somebody("bob@b"), patience()[0]) as killed:
            assert killed == (second, first)

    run_without_waiting(scenario())


def test_the_file_does_not_grow_with_every_run_that_is_killed(tmp_path: Path) -> None:
    async def scenario() -> None:
        (tmp_path / "test.lock").write_bytes(b"".join(somebody(f"ann{n}@a").encoded() + b"\n" for n in range(100)))
        async with file_lock(tmp_path, "test", somebody("bob@b"), patience()[0]) as killed:
            assert [one.who for one in killed] == [f"ann{n}@a" for n in range(MOST_KILLED)]
            assert len((tmp_path / "test.lock").read_bytes().splitlines()) == 1 + MOST_KILLED
        assert (tmp_path / "test.lock").read_bytes() == b""

    run_without_waiting(scenario())


def test_a_lock_file_that_is_a_symbolic_link_is_not_followed(tmp_path: Path) -> None:
    victim = tmp_path / "victim"
    victim.write_text("mine")
    (tmp_path / "test.lock").symlink_to(victim)

    async def scenario() -> None:
        async with file_lock(tmp_path, "test", somebody("ann@a"), patience()[0]):
            pass

    with pytest.raises(OSError):
        run_without_waiting(scenario())
    assert victim.read_text() == "mine"


# --- Consul: what is written, and how often ---------------------------------------------------------------------------


def test_what_the_key_says(consul: FakeConsul) -> None:
    async def scenario() -> None:
        kind = InConsul(consul)
        me = somebody("ann@a")
        async with kind.hold(me, patience()[0]) as held:
            key = consul.keys[KEY]
            told = json.loads(key.value)
            assert told == {
                "id": key.session, "who": "ann@a", "pid": str(os.getpid()), "commit": COMMIT[:10],
                "since": me.since, "run": me.run, "ended": "",
            }  # fmt: skip
            assert held.index == key.lock_index == 1
        assert json.loads(consul.keys[KEY].value)["ended"] >= me.since
        assert (key.session, consul.sessions) == ("", {})
        async with kind.hold(me, patience()[0]) as held:
            assert held.index == 2, "the key was not kept: its LockIndex started again"
        await kind.close()

    run_without_waiting(scenario())


def test_whether_another_run_had_it_in_between_is_known_by_its_number(consul: FakeConsul) -> None:
    """What was seen before the lock is taken counts if `free_index` was asked first and nobody had the lock since."""

    async def scenario() -> None:
        kind = InConsul(consul)
        async with link({"m1": consul.connection()}, SERVER) as machines:
            assert await free_index(SERVER, machines) == 0, "nobody ever had it"
            seen = 0
            async with kind.hold(somebody("ann@a"), patience()[0]) as held:
                assert held.index - 1 == seen
                assert await free_index(SERVER, machines) is None, "somebody has it"
            seen = await free_index(SERVER, machines) or 0
            async with kind.hold(somebody("bob@b"), patience()[0]):
                pass
            async with kind.hold(somebody("ann@a"), patience()[0]) as held:
                assert held.index - 1 != seen, "bob had it"
            consul.down()
            assert await free_index(SERVER, machines) is None
            assert await free_index(cluster(node("m1")), machines) is None
        await kind.close()

    run_without_waiting(scenario())


def test_a_hold_costs_six_small_requests(consul: FakeConsul) -> None:
    async def scenario() -> None:
        kind = InConsul(consul)
        async with kind.hold(somebody("ann@a"), patience()[0]):
            pass
        await kind.close()

    run_without_waiting(scenario())
    paths = [line.rpartition("/")[0] for line in consul.asked]
    session, key = "PUT /v1/session", f" /v1/kv/{KEY}".rpartition("/")[0]
    assert paths == [f"GET{key}", session, f"PUT{key}", f"GET{key}", f"PUT{key}", f"{session}/destroy"]


def test_it_is_held_for_longer_than_its_ttl(consul: FakeConsul) -> None:
    async def scenario() -> None:
        kind = InConsul(consul)
        async with kind.hold(somebody("ann@a"), patience()[0]) as held:
            await asyncio.sleep(10 * consul.patience * PACE.ttl)
            assert await held.confirmed()
            assert consul.keys[KEY].session
        await kind.close()

    run_without_waiting(scenario())


# --- Consul: dead holders ---------------------------------------------------------------------------------------------


def test_a_takeover_is_said(consul: FakeConsul) -> None:
    async def scenario() -> list[str]:
        kind = InConsul(consul)
        await kind.die_with(somebody("ann@a"))
        waiting, said = patience(100)
        began = read_clock()
        async with kind.hold(somebody("bob@b"), waiting) as held:
            freed = began + consul.patience * PACE.ttl + PACE.lock_delay
            assert freed <= read_clock() <= freed + 2, "the lock-delay was not kept, or its end not noticed"
            assert held.index == 2
        await kind.close()
        return said

    first, *_, second = run_without_waiting(scenario())
    assert first.startswith("waiting for ann@a")
    assert second.startswith("ann@a")
    assert second.endswith("left the lock behind: taken over")


def test_a_run_of_the_same_repository_that_was_killed_is_not_waited_for(consul: FakeConsul) -> None:
    """The kernel gave its lock file to the next run: it is dead for certain. Others wait until its session ends."""

    async def scenario() -> None:
        consul.patience = 1000
        kind = InConsul(consul)
        dead = somebody("ann@a")
        await kind.die_with(dead)
        with pytest.raises(BusyError, match="ann@a"):
            async with session_lock(kind.client(), "test", somebody("x@y"), patience()[0], killed=[somebody("ann@a")]):
                pytest.fail("another dead run's lock was taken")
        waiting, said = patience()
        async with session_lock(kind.client(), "test", somebody("bob@b"), waiting, killed=[dead], pace=PACE):
            assert consul.keys[KEY].barred_until == 0, "its lock-delay was waited for"
        assert len(said) == 1
        assert "taken over" in said[0]
        await kind.close()

    run_without_waiting(scenario())


def test_a_lock_that_consul_keeps_to_itself_for_ever_is_not_waited_for(consul: FakeConsul) -> None:
    consul.keys[KEY] = Key(b"{}", barred_until=math.inf)

    async def scenario() -> None:
        kind = InConsul(consul)
        with pytest.raises(BusyError, match="nobody's"):
            async with kind.hold(somebody("bob@b"), patience()[0]):
                pytest.fail("Consul gave it")
        await kind.close()

    run_without_waiting(scenario())
    assert consul.sessions == {}


@pytest.mark.parametrize(
    "poison", [b"", b"no JSON", b"[]", b"7", b'{"who": 7, "pid": {}, "since": "never"}', b'{"who": "\\u001b[2J"}']
)
def test_what_somebody_else_wrote_into_the_key_is_shown_safely(consul: FakeConsul, poison: bytes) -> None:
    async def scenario() -> str:
        kind = InConsul(consul)
        session = await kind.client().create("x", ttl=10, lock_delay=0)
        consul.keys[KEY] = Key(poison, session, 1)
        with pytest.raises(BusyError) as caught:
            async with kind.hold(somebody("bob@b"), patience()[0]):
                pytest.fail("both have it")
        await kind.close()
        return caught.value.message

    assert run_without_waiting(scenario()).isprintable()


def test_a_holder_s_text_is_bounded() -> None:
    holder = read_holder(json.dumps({"who": "x" * 10_000, "pid": "1; reboot", "commit": "c"}).encode())
    assert holder
    assert len(str(holder)) < 300
    assert holder.pid == ""
    assert read_holder(b"") is None


# --- Consul: a lock that is lost --------------------------------------------------------------------------------------


def test_a_lock_that_is_taken_away_is_lost_with_the_reason(consul: FakeConsul) -> None:
    async def scenario() -> str:
        kind = InConsul(consul)
        async with kind.hold(somebody("ann@a"), patience()[0]) as held:
            session = consul.keys[KEY].session
            with pytest.raises(GuardRefusedError) as caught:
                await break_lock(kind.client(), "test", "nonsense\x1b", "because")
            assert caught.value.exit_code == 5
            assert session in caught.value.message
            broken = await break_lock(kind.client(), "test", session, "the laptop sank\x1b")
            assert broken
            assert broken.who == "ann@a"
            await held.gone.wait()
            assert not await held.confirmed()
            record = json.loads(consul.keys["deployer/test/unlocked"].value)
        assert record["reason"] == "the laptop sank\x1b"
        assert record["lock"]["who"] == "ann@a"
        assert record["lock"]["id"] == session
        assert await break_lock(kind.client(), "test", session, "again") is None, "nobody holds it any more"
        await kind.close()
        return held.lost

    lost = run_without_waiting(scenario())
    assert lost.endswith(r" broke it: the laptop sank\x1b")


def test_a_lock_whose_session_ended_is_lost(consul: FakeConsul) -> None:
    async def scenario() -> tuple[str, str]:
        kind = InConsul(consul)
        async with kind.hold(somebody("ann@a"), patience()[0]) as first:
            await kind.client().destroy(consul.keys[KEY].session)
            await first.gone.wait()
        async with kind.hold(somebody("ann@a"), patience(10)[0]) as second:
            thief = await kind.client().create("thief", ttl=10, lock_delay=0)
            consul.keys[KEY] = Key(somebody("eve@e").encoded(), thief, 9)
            await second.gone.wait()
        assert consul.keys[KEY].session == thief, "letting go took the lock from somebody else"
        await kind.close()
        return first.lost, second.lost

    first, second = run_without_waiting(scenario())
    assert first == "Consul ended its session: this process did not renew it in time"
    assert second.startswith("eve@e")


def test_a_consul_that_is_away_for_a_moment_loses_nothing(consul: FakeConsul) -> None:
    """Nothing begins meanwhile: whether the lock is still held is not known before Consul says so."""

    async def scenario() -> None:
        consul.patience = 1000
        kind = InConsul(consul)
        async with kind.hold(somebody("ann@a"), patience()[0]) as held:
            consul.down()
            await asyncio.sleep(PACE.ttl + PACE.grace / 2)
            asked = asyncio.create_task(held.confirmed())
            await asyncio.sleep(PACE.grace / 4)
            assert not asked.done(), "sure of what it cannot know"
            consul.failure = None
            assert await asked
        await kind.close()

    run_without_waiting(scenario())


def test_a_consul_that_stays_away_loses_the_lock(consul: FakeConsul) -> None:
    async def scenario() -> tuple[str, list[str]]:
        kind = InConsul(consul)
        waiting, said = patience()
        async with kind.hold(somebody("ann@a"), waiting) as held:
            consul.failure = (500, b"No cluster leader")
            await held.gone.wait()
            assert not await held.confirmed()
        await kind.close()
        return held.lost, said

    lost, said = run_without_waiting(scenario())
    assert lost.startswith("Consul has not answered for 45 s (Consul: 500 No cluster leader)")
    assert said == ["the lock could not be given back: it is free within 35 s"]


def test_a_consul_that_is_made_anew_at_the_end_is_told_once_it_answers(consul: FakeConsul) -> None:
    """As in a run that replaced Consul's container last: the next run would find a lock that nobody holds."""

    async def scenario() -> list[str]:
        kind = InConsul(consul)
        waiting, said = patience()
        async with kind.hold(somebody("ann@a"), waiting):
            consul.failure = (500, b"No cluster leader")
            asyncio.get_running_loop().call_later(3, setattr, consul, "failure", None)
        async with kind.hold(somebody("bob@b"), patience()[0]):
            pass
        await kind.close()
        return said

    assert run_without_waiting(scenario()) == []


def test_a_process_that_was_stopped_begins_nothing_before_it_has_asked(consul: FakeConsul, tmp_path: Path) -> None:
    """SIGSTOP for longer than Consul keeps its session; the first thing it does is to ask whether it may begin."""
    program = """
import asyncio, os, signal, sys
from deployer.lock.hold import Held, clock
async def scenario():
    held = Held(1, clock() + 0.1)
    print(held.fresh_until, flush=True)
    sys.stdin.readline()
    asyncio.get_running_loop().call_soon(held.lose, "taken over")
    print(await held.confirmed(), flush=True)
asyncio.run(scenario())
"""
    argv = [sys.executable, "-c", program]
    with started(argv, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout
        assert process.stdin
        fresh_until = float(process.stdout.readline())
        process.send_signal(signal.SIGSTOP)
        wait_until(lambda: clock() > fresh_until, "the end of the time for which the lock is certain", saw=clock)
        process.stdin.write("\n")
        process.stdin.flush()
        process.send_signal(signal.SIGCONT)
        assert process.stdout.readline() == "False\n"


# --- Consul or not ----------------------------------------------------------------------------------------------------

SERVER = cluster(node("m1", consul=True), consul=Consul())


def observed(catalogue: Any = ()) -> Observed:
    return Observed({}, None, catalogue)


@pytest.mark.parametrize(
    ("failure", "catalogue", "said"),
    [
        (None, None, "Consul is not there yet: only runs from this repository are locked out"),
        (None, Unreachable("m1: no answer"), "Consul cannot be asked (m1: no answer): only runs from this repository"),
        (
            ConnectionFailedError("refused"),
            (),
            "Consul cannot be asked (m1: refused): only runs",
        ),
        ((500, b"No cluster leader"), (), "No cluster leader): only runs from this repository are locked out"),
        ((403, b"Permission denied"), (), "Permission denied): only runs from this repository are locked out"),
        ((200, b"<html>"), (), "only runs from this repository are locked out"),
    ],
)
def test_without_a_consul_that_can_be_asked_the_file_is_all(failure: Any, catalogue: Any, said: str) -> None:
    consul = FakeConsul(failure=failure)

    async def scenario() -> list[str]:
        waiting, heard = patience()
        async with (
            link({"m1": consul.connection()}, SERVER) as machines,
            cluster_lock(SERVER, observed(catalogue), machines, somebody("a@a"), waiting, killed=()) as held,
        ):
            assert held is None
        return heard

    (heard,) = run_without_waiting(scenario())
    assert said in heard


def test_a_cluster_without_consul_says_nothing_and_asks_nobody() -> None:
    async def scenario() -> list[str]:
        waiting, heard = patience()
        alone = cluster(node("m1"))
        async with (
            link({"m1": FakeConnection()}) as machines,
            cluster_lock(alone, observed(None), machines, somebody("a@a"), waiting, killed=()) as held,
        ):
            assert held is None
        return heard

    assert run_without_waiting(scenario()) == []


def test_a_token_that_may_only_read_is_no_reason_to_stop(consul: FakeConsul) -> None:
    """Consul's answer to a session that may not be created: 403; whoever is there already is still seen."""

    async def scenario() -> list[str]:
        waiting, heard = patience()
        connection = consul.connection()
        connection.answers = {
            "GET /v1/status/leader": (200, b'"10.0.0.9:8300"'),
            f"GET /v1/kv/{KEY}": (404, b"", {"X-Consul-Index": "1"}),
            "PUT /v1/session/create": (403, b"Permission denied"),
        }
        async with (
            link({"m1": connection}, SERVER) as machines,
            cluster_lock(SERVER, observed(), machines, somebody("a@a"), waiting, killed=()) as held,
        ):
            assert held is None
        return heard

    assert run_without_waiting(scenario()) == [
        "Consul cannot be asked (Consul: Permission denied): only runs from this repository are locked out"
    ]


def test_a_lock_that_was_seen_held_is_not_gone_when_consul_falls_silent(consul: FakeConsul) -> None:
    async def scenario() -> None:
        consul.patience = 1000
        kind = InConsul(consul)
        await kind.die_with(somebody("ann@a"))
        waiting, said = patience(1)

        async def silence() -> None:
            await said.something.wait()
            consul.down()

        task = asyncio.create_task(silence())
        with pytest.raises(BusyError, match="ann@a"):
            async with (
                link({"m1": consul.connection()}, SERVER) as machines,
                cluster_lock(SERVER, observed(), machines, somebody("bob@b"), waiting, killed=()),
            ):
                pytest.fail("it went on without knowing")
        await task
        await kind.close()

    run_without_waiting(scenario())


# --- deployer unlock --------------------------------------------------------------------------------------------------


def test_a_live_process_of_this_machine_is_not_robbed(consul: FakeConsul, tmp_path: Path) -> None:
    async def scenario(process: Any) -> None:
        for call in (
            locked_by(SERVER, link({"m1": consul.connection()}, SERVER), tmp_path),
            unlock(SERVER, link({"m1": consul.connection()}, SERVER), tmp_path, "any", "no reason"),
        ):
            with pytest.raises(BusyError, match="runs on this machine") as caught:
                await call
            assert caught.value.help == f"end it: kill -INT {os.getpid()}"
        assert process.poll() is None

    with another_process(tmp_path, somebody("ann@a")) as process:
        run_without_waiting(scenario(process))
    assert consul.asked == []


def test_unlock_by_way_of_the_machines(consul: FakeConsul, tmp_path: Path) -> None:
    consul.patience = 1000

    async def scenario() -> None:
        async with link({"m1": consul.connection()}, SERVER) as machines:
            assert await locked_by(SERVER, machines, tmp_path) is None
            assert await unlock(SERVER, machines, tmp_path, "any", "no reason") is None
            await InConsul(consul).die_with(somebody("ann@a"))
            holder = await locked_by(SERVER, machines, tmp_path)
            assert holder
            assert holder.breakable
            with pytest.raises(GuardRefusedError):
                await unlock(SERVER, machines, tmp_path, "any", "no reason")
            assert await unlock(SERVER, machines, tmp_path, holder.id, "gone") == holder
            assert await locked_by(SERVER, machines, tmp_path) is None

    run_without_waiting(scenario())


# --- a run whose lock is lost -----------------------------------------------------------------------------------------


def test_a_run_that_loses_its_lock_lets_running_steps_end_and_begins_none() -> None:
    held = Held(7)

    async def lose(_: object) -> Completed:
        held.lose("eve@e broke it: why not")
        await asyncio.sleep(0)
        return Completed(0, "Docker 26.1 runs\n", "")

    machine = FakeConnection(outputs={"sh": Turns(Completed(0, "debian \n", ""), lose)})
    wanted = plan(step(1, "m1"), step(2, "m2", follows=(1,)))

    async def scenario() -> tuple[Report, list[str]]:
        heard: list[str] = []
        async with link({"m1": machine, "m2": FakeConnection()}) as machines:
            return await execute(wanted, machines, lambda _: None, heard.append, held), heard

    report, heard = run_without_waiting(scenario())
    assert isinstance(report.outcomes[1], Done)
    assert report.outcomes[2] == Skipped(0)
    assert (report.stopped, report.exit_code, report.ok, report.lock_index) == ("lock lost", 4, False, 7)
    assert heard == ["the lock is lost, eve@e broke it: why not: what runs is let end, nothing else begins"]
    text = report_text(report, Paint(on=False))
    assert "The lock was lost: eve@e broke it: why not." in text
    assert text.splitlines()[-1].startswith("Lock lost after ")
    told = report_document(report)
    assert (told.stopped, told.lost, told.lock_index) == ("lock lost", "eve@e broke it: why not", 7)


def test_a_lock_that_is_lost_when_all_is_done_is_no_failure() -> None:
    held = Held(3)

    async def lose(_: object) -> Completed:
        held.lose("Consul ended its session")
        return Completed(0, "Docker 26.1 runs\n", "")

    machine = FakeConnection(outputs={"sh": Turns(Completed(0, "debian \n", ""), lose)})

    async def scenario() -> Report:
        async with link({"m1": machine}) as machines:
            return await execute(plan(step(1, "m1")), machines, lambda _: None, lambda _: None, held)

    report = run_without_waiting(scenario())
    assert (report.exit_code, report.lost, report.stopped) == (0, "", "")
