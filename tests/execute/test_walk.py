"""The order of steps, and what becomes of each when others fail, hang, or are broken off."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

import pytest

from deployer.errors import TimedOutError
from deployer.execute.broken import BrokenOffError
from deployer.execute.run import execute
from deployer.model.command import Completed
from deployer.plan.outcome import Began, Done, Ended, Failed, Progress, Skipped
from deployer.remote import ConnectionFailedError
from tests.execute.plans import create, plan, play, step
from tests.fakes import FakeConnection, link, run

if TYPE_CHECKING:
    from deployer.model.command import Command
    from deployer.plan.outcome import Event

DEBIAN = Completed(0, "debian \n", "")


def machine(*ends: Any) -> FakeConnection:
    """A Debian machine; `ends` are what becomes of installations there, one after the other."""
    left = list(ends)

    def answer(command: Command) -> Any:
        if command.argv[1] == "-c":
            return DEBIAN
        end = left.pop(0) if left else Completed(0, "Docker 26.1 runs\n", "")
        return end(command) if callable(end) else end

    return FakeConnection(outputs={"sh": answer})


def meet(number: int) -> Any:
    """A command that ends only when `number` of them are being run."""
    barrier = asyncio.Barrier(number)

    async def wait(_: object) -> Completed:
        await barrier.wait()
        return Completed(0, "met\n", "")

    return wait


FAILS = Completed(1, "reading lists\n", "E: no space left\n")


def test_every_step_is_told_of_and_reported() -> None:
    events: list[Event] = []
    wanted = plan(step(1, "m1"))
    report = play(wanted, {"m1": machine(Completed(0, "one\nDocker 26.1 runs\n", ""))}, events.append)
    assert report.ok
    assert report.exit_code == 0
    (outcome,) = report.outcomes.values()
    assert isinstance(outcome, Done)
    assert outcome.detail == "Docker 26.1 runs"
    (only,) = wanted.steps
    assert events == [Began(only), Progress(only, "one"), Progress(only, "Docker 26.1 runs"), Ended(only, outcome)]


def test_steps_that_need_nothing_run_at_once() -> None:
    together = meet(3)
    machines = {name: machine(together) for name in ("m1", "m2", "m3")}
    report = play(plan(*(step(i, name) for i, name in enumerate(machines, 1))), machines)
    assert report.ok


def test_a_step_waits_for_what_it_needs_and_for_what_it_follows() -> None:
    order: list[str] = []

    def listen(event: Event) -> None:
        if not isinstance(event, Progress):
            order.append(f"{type(event).__name__} {event.step.number}")

    machines = {name: machine() for name in ("m1", "m2", "m3")}
    play(plan(step(1, "m1", needs=(2,)), step(2, "m2", follows=(3,)), step(3, "m3")), machines, listen)
    assert order == ["Began 3", "Ended 3", "Began 2", "Ended 2", "Began 1", "Ended 1"]


def test_what_needs_a_failed_step_is_skipped_because_of_it_and_the_rest_goes_on() -> None:
    machines = {"m1": machine(FAILS), "m2": machine(), "m3": machine(), "m4": machine(), "m5": machine()}
    wanted = plan(
        step(1, "m1"),
        step(2, "m2", needs=(1,)),
        step(3, "m3", needs=(2,)),
        step(4, "m4", follows=(1, 2)),
        step(5, "m5"),
    )
    report = play(wanted, machines)
    failed = report.outcomes[1]
    assert isinstance(failed, Failed)
    assert failed.reason == "the installation failed with status 1: E: no space left"
    assert failed.log == ("E: no space left",)
    assert report.outcomes[2] == Skipped(1)
    assert report.outcomes[3] == Skipped(2)
    assert isinstance(report.outcomes[4], Done)
    assert isinstance(report.outcomes[5], Done)
    assert machines["m2"].commands == machines["m3"].commands == []
    assert report.exit_code == 1


@pytest.mark.parametrize(
    ("end", "reason"),
    [
        (TimedOutError("`sh` took longer than 1200 s"), "`sh` took longer than 1200 s"),
        (ConnectionFailedError("the connection broke: \x1b[31mx"), r"the connection broke: \x1b[31mx"),
        (ConnectionFailedError("refused", help="start it"), "refused; start it"),
    ],
)
def test_a_machine_that_is_lost_on_the_way_fails_its_step_only(end: Exception, reason: str) -> None:
    report = play(plan(step(1, "m1"), step(2, "m2")), {"m1": machine(end), "m2": machine()})
    failed = report.outcomes[1]
    assert isinstance(failed, Failed)
    assert failed.reason == reason
    assert isinstance(report.outcomes[2], Done)


def test_a_machine_that_cannot_be_reached_fails_its_step_only() -> None:
    report = play(plan(step(1, "m1"), step(2, "m2")), {"m1": ConnectionFailedError("no route"), "m2": machine()})
    failed = report.outcomes[1]
    assert isinstance(failed, Failed)
    assert failed.reason == "no route"
    assert isinstance(report.outcomes[2], Done)


def test_the_last_lines_of_what_failed_are_kept() -> None:
    lines = "".join(f"line {i}\n" for i in range(50))

    async def fail(_: object) -> Completed:
        return Completed(1, lines, "")

    failed = play(plan(step(1, "m1")), {"m1": machine(fail)}).outcomes[1]
    assert isinstance(failed, Failed)
    assert failed.log == tuple(f"line {i}" for i in range(40, 50))


def test_a_plan_without_steps() -> None:
    report = play(plan(), {})
    assert report.ok
    assert report.outcomes == {}


def test_four_services_are_written_at_once_and_no_more() -> None:
    at_once: list[int] = []
    busy = 0

    async def created(_: object) -> dict[str, str]:
        nonlocal busy
        busy += 1
        at_once.append(busy)
        for _ in range(5):
            await asyncio.sleep(0)
        busy -= 1
        return {"ID": "x"}

    connection = FakeConnection({"POST /services/create": created})
    report = play(plan(*(create(f"web_{i}") for i in range(12))), {"m1": connection})
    assert report.ok
    assert max(at_once) == 4


def test_a_bug_is_raised_when_the_others_have_ended_with_the_report_of_what_was_done() -> None:
    """m1 meets the bug while m2 works: m2 is let end, m3, which waits for it, is not begun."""
    hit = asyncio.Event()

    def bug(_: object) -> Completed:
        hit.set()
        raise KeyError("s3cr3t")

    async def slow(_: object) -> Completed:
        await hit.wait()
        await asyncio.sleep(0.02)
        return Completed(0, "done\n", "")

    machines = {"m1": machine(bug), "m2": machine(slow), "m3": machine()}
    events: list[Event] = []
    with pytest.raises(BrokenOffError) as caught:
        play(plan(step(1, "m1"), step(2, "m2"), step(3, "m3", needs=(2,))), machines, events.append)
    assert isinstance(caught.value.__cause__, KeyError)
    outcomes = caught.value.report.outcomes
    first = outcomes[1]
    assert isinstance(first, Failed)
    assert first.reason == "internal error (KeyError)"
    assert isinstance(outcomes[2], Done)
    assert outcomes[3] == Skipped(0)
    assert [event.step.number for event in events if isinstance(event, Ended)] == [1, 2, 3]
    assert caught.value.report.exit_code == 1


def test_a_bug_in_what_shows_progress_stops_no_write_half_way() -> None:
    told = 0

    def listen(_: Event) -> None:
        nonlocal told
        told += 1
        raise ValueError("no such colour")

    machines = {"m1": machine(), "m2": machine()}
    with pytest.raises(BrokenOffError) as caught:
        play(plan(step(1, "m1"), step(2, "m2", needs=(1,))), machines, listen)
    assert isinstance(caught.value.__cause__, ValueError)
    assert isinstance(caught.value.report.outcomes[1], Done)
    assert caught.value.report.outcomes[2] == Skipped(0)
    assert told == 1


def test_a_terminal_that_is_gone_stops_nothing() -> None:
    def listen(_: Event) -> None:
        raise BrokenPipeError

    report = play(plan(step(1, "m1"), step(2, "m2", needs=(1,))), {"m1": machine(), "m2": machine()}, listen)
    assert report.ok


def test_who_cancels_the_run_cancels_its_steps() -> None:
    begun = asyncio.Event()

    async def hang(_: object) -> None:
        begun.set()
        await asyncio.Event().wait()

    async def scenario() -> None:
        async with link({"m1": machine(hang)}) as connections:
            running = asyncio.ensure_future(execute(plan(step(1, "m1")), connections, lambda _: None, lambda _: None))
            await begun.wait()
            running.cancel()
            with pytest.raises(asyncio.CancelledError):
                await running

    run(scenario())
