"""What every kind of lock has to do, whatever holds it."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Protocol

import pytest

from deployer.errors import BusyError, DeployerError
from deployer.lock.hold import Patience
from deployer.lock.holder import Holder, this_run
from deployer.memory.runs import new_id
from deployer.remote.clock import read_clock
from tests.fakes import run, run_without_waiting

if TYPE_CHECKING:
    from contextlib import AbstractAsyncContextManager

COMMIT = "1a2b3c4d5e" + "0" * 30


class Kind(Protocol):
    """One kind of lock, on one cluster."""

    def hold(self, me: Holder, patience: Patience) -> AbstractAsyncContextManager[Any]: ...

    async def die_with(self, me: Holder) -> None:
        """Have it held by somebody who then dies without a word."""

    async def unlock(self, lock: str) -> object:
        """Try to take the lock with that id from whoever holds it."""

    async def close(self) -> None: ...


def somebody(name: str) -> Holder:
    return replace(this_run(COMMIT, new_id()), who=name)


class Said(list[str]):
    """Lines of progress; `something` is set by the first."""

    def __init__(self) -> None:
        super().__init__()
        self.something = asyncio.Event()

    def say(self, line: str) -> None:
        self.append(line)
        self.something.set()


def patience(wait: float = 0) -> tuple[Patience, Said]:
    """By the loop's clock: call it in a coroutine."""
    said = Said()
    return Patience("test", wait, said.say, read_clock), said


class Conformance:
    """Subclasses have a fixture `kind`. Where all of it is in memory they run by a clock of their own."""

    run = staticmethod(run)

    def test_it_is_held_and_let_go(self, kind: Kind) -> None:
        async def scenario() -> None:
            for name in ("ann@a", "bob@b", "ann@a"):
                waiting, said = patience()
                async with kind.hold(somebody(name), waiting):
                    pass
                assert said == []
            await kind.close()

        self.run(scenario())

    def test_a_second_run_is_told_who_holds_it(self, kind: Kind) -> None:
        async def scenario() -> None:
            async with kind.hold(somebody("ann@a"), patience()[0]):
                with pytest.raises(BusyError) as caught:
                    async with kind.hold(somebody("bob@b"), patience()[0]):
                        pytest.fail("both have it")
                assert "ann@a" in caught.value.message
                assert "1a2b3c4d5e" in caught.value.message
                assert caught.value.exit_code == 4
                assert "--lock-wait" in caught.value.help
            await kind.close()

        self.run(scenario())

    def test_one_that_waits_has_it_when_it_is_let_go(self, kind: Kind) -> None:
        async def scenario() -> None:
            waiting, said = patience(60)
            let_go: list[float] = []

            async def first() -> None:
                async with kind.hold(somebody("ann@a"), patience()[0]):
                    holding.set()
                    await said.something.wait()
                    let_go.append(read_clock())

            holding = asyncio.Event()
            task = asyncio.create_task(first())
            await holding.wait()
            async with kind.hold(somebody("bob@b"), waiting):
                assert let_go, "both have it"
            await task
            assert len(said) == 1
            assert said[0].startswith("waiting for ann@a (process ")
            await kind.close()

        self.run(scenario())

    def test_waiting_ends(self, kind: Kind) -> None:
        async def scenario() -> None:
            async with kind.hold(somebody("ann@a"), patience()[0]):
                began = read_clock()
                with pytest.raises(BusyError) as caught:
                    async with kind.hold(somebody("bob@b"), patience(0.5)[0]):
                        pytest.fail("both have it")
                assert read_clock() - began >= 0.5
                assert "still is after 0.5 s" in caught.value.message
            await kind.close()

        self.run(scenario())

    @pytest.mark.parametrize("end", [ValueError("a bug"), asyncio.CancelledError()], ids=["a failure", "Ctrl-C"])
    def test_it_is_let_go_however_the_run_ends(self, kind: Kind, end: BaseException) -> None:
        async def scenario() -> None:
            with pytest.raises(type(end)):
                async with kind.hold(somebody("ann@a"), patience()[0]):
                    raise end
            waiting, said = patience()
            async with kind.hold(somebody("bob@b"), waiting):
                assert said == []
            await kind.close()

        self.run(scenario())

    def test_one_that_is_cancelled_while_it_waits_leaves_nothing(self, kind: Kind) -> None:
        async def scenario() -> None:
            waiting, said = patience(10)

            async def second() -> None:
                async with kind.hold(somebody("bob@b"), waiting):
                    pytest.fail("both have it")

            async with kind.hold(somebody("ann@a"), patience()[0]):
                task = asyncio.create_task(second())
                await said.something.wait()
                task.cancel()
                await asyncio.wait([task])
                assert task.cancelled()
            async with kind.hold(somebody("cat@c"), patience()[0]):
                pass
            await kind.close()

        self.run(scenario())

    def test_a_dead_holder_does_not_keep_it(self, kind: Kind) -> None:
        async def scenario() -> None:
            await kind.die_with(somebody("ann@a"))
            async with kind.hold(somebody("bob@b"), patience(60)[0]):
                with pytest.raises(BusyError, match="bob@b"):
                    async with kind.hold(somebody("cat@c"), patience()[0]):
                        pytest.fail("both have it")
            await kind.close()

        self.run(scenario())

    def test_it_is_not_taken_away_by_another_id(self, kind: Kind) -> None:
        async def scenario() -> None:
            me = somebody("ann@a")
            async with kind.hold(me, patience()[0]):
                with pytest.raises(DeployerError):
                    await kind.unlock("4d7b0f0a-0000-0000-0000-000000000000")
                with pytest.raises(BusyError, match="ann@a"):
                    async with kind.hold(somebody("bob@b"), patience()[0]):
                        pytest.fail("both have it")
            await kind.close()

        self.run(scenario())

    def test_many_at_once_have_it_one_after_the_other(self, kind: Kind) -> None:
        inside: list[str] = []
        order: list[str] = []

        async def one(name: str) -> None:
            async with kind.hold(somebody(name), patience(60)[0]):
                inside.append(name)
                assert inside == [name], "two have it"
                await asyncio.sleep(0.01)
                inside.remove(name)
                order.append(name)

        async def scenario() -> None:
            async with asyncio.TaskGroup() as group:
                for number in range(5):
                    group.create_task(one(f"run{number}@a"))
            await kind.close()

        self.run(scenario())
        assert sorted(order) == [f"run{number}@a" for number in range(5)]


class Punctual(Conformance):
    """By a clock that moves only while everybody waits, how long a wait takes is exact."""

    run = staticmethod(run_without_waiting)

    def test_who_is_not_to_wait_is_told_at_once(self, kind: Kind) -> None:
        async def scenario() -> None:
            async with kind.hold(somebody("ann@a"), patience()[0]):
                began = read_clock()
                with pytest.raises(BusyError):
                    async with kind.hold(somebody("bob@b"), patience()[0]):
                        pytest.fail("both have it")
                assert read_clock() == began
            await kind.close()

        self.run(scenario())

    def test_waiting_ends_when_its_time_is_up(self, kind: Kind) -> None:
        async def scenario() -> None:
            async with kind.hold(somebody("ann@a"), patience()[0]):
                waiting, said = patience(100)
                began = read_clock()
                with pytest.raises(BusyError, match="still is after 100 s"):
                    async with kind.hold(somebody("bob@b"), waiting):
                        pytest.fail("both have it")
                assert read_clock() - began == pytest.approx(100, abs=0.1)
                assert len(said) == 4, "whom it waits for is said every 30 s"
            await kind.close()

        self.run(scenario())

    def test_one_that_waits_soon_notices_that_it_is_let_go(self, kind: Kind) -> None:
        async def scenario() -> None:
            let_go: list[float] = []

            async def first() -> None:
                async with kind.hold(somebody("ann@a"), patience()[0]):
                    holding.set()
                    await asyncio.sleep(123.45)
                    let_go.append(read_clock())

            holding = asyncio.Event()
            task = asyncio.create_task(first())
            await holding.wait()
            async with kind.hold(somebody("bob@b"), patience(300)[0]):
                assert read_clock() - let_go[0] <= 0.5
            await task
            await kind.close()

        self.run(scenario())
