from __future__ import annotations

import asyncio

import pytest

from deployer.remote.together import together
from tests.fakes import run


def test_results_of_several_calls_at_once() -> None:
    async def scenario() -> list[int]:
        barrier = asyncio.Barrier(3)
        async with together() as group:
            tasks = [group.create_task(barrier.wait()) for _ in range(3)]
        return sorted(task.result() for task in tasks)

    assert run(scenario()) == [0, 1, 2]


def test_the_first_failure_is_raised_itself_and_ends_the_others() -> None:
    ended: list[str] = []

    async def hang() -> None:
        try:
            await asyncio.Event().wait()
        finally:
            ended.append("hang")

    async def fail() -> None:
        await asyncio.sleep(0)
        raise ValueError("first")

    async def both() -> None:
        async with together() as group:
            group.create_task(hang())
            group.create_task(fail())

    async def scenario() -> None:
        with pytest.raises(ValueError, match="first"):
            await both()
        assert ended == ["hang"]

    run(scenario())


def test_a_failure_in_the_middle_ends_them_too() -> None:
    async def fail() -> None:
        async with together() as group:
            group.create_task(asyncio.Event().wait())
            raise KeyError

    with pytest.raises(KeyError):
        run(fail())


def test_who_gives_up_gives_up_all_of_it() -> None:
    async def scenario() -> None:
        async def wait() -> None:
            async with together() as group:
                group.create_task(asyncio.Event().wait())

        waiting = asyncio.ensure_future(wait())
        await asyncio.sleep(0)
        await asyncio.sleep(0)
        waiting.cancel()
        with pytest.raises(asyncio.CancelledError):
            await waiting

    run(scenario())
