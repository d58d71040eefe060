"""Plan in, report out: walks the steps, in parallel where the plan allows it, and records what became of each."""

from __future__ import annotations

import asyncio
import signal
import time
from typing import TYPE_CHECKING, Final, Literal

from deployer.errors import DeployerError
from deployer.execute import machines, stacks
from deployer.execute.converge import await_services
from deployer.execute.world import World
from deployer.model.printable import printable
from deployer.plan.operations import (
    AwaitConsul,
    AwaitServices,
    CreateObject,
    CreateService,
    InitSwarm,
    InstallEngine,
    JoinSwarm,
    Operation,
    RegisterNode,
    RunContainer,
    UpdateMember,
    UpdateService,
    WriteDaemonJson,
)
from deployer.plan.outcome import Began, Done, Ended, Event, Failed, Outcome, Progress, Report, Skipped

if TYPE_CHECKING:
    from collections.abc import Callable

    from deployer.plan.steps import Plan, Step
    from deployer.remote import Link

WRITERS: Final = 4
"""Services that are written at once (SPEED.md: more are slower). Machines are not limited: each has its own engine."""


async def execute(plan: Plan, link: Link, listen: Callable[[Event], None], say: Callable[[str], None]) -> Report:
    """Do exactly what the plan says. Always returns a report, also after SIGINT or SIGTERM.

    A first signal lets running steps end and begins no other; a second one leaves them where they are.
    """
    began = time.monotonic()
    world = World(link, plan.manager)
    outcomes: dict[int, Outcome] = {}
    walk = asyncio.ensure_future(_walk(plan, world, outcomes, listen))
    stopped: list[Literal["interrupted", "terminated"]] = []

    def stop(word: Literal["interrupted", "terminated"]) -> None:
        stopped.append(word)
        world.stopping.set()
        if len(stopped) > 1:
            walk.cancel()
        else:
            say(f"{word}: what runs is let end, nothing else begins; once more to leave at once")

    loop = asyncio.get_running_loop()
    before = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}
    loop.add_signal_handler(signal.SIGINT, stop, "interrupted")
    loop.add_signal_handler(signal.SIGTERM, stop, "terminated")
    try:
        await walk
    except asyncio.CancelledError:
        if not stopped:
            raise
    finally:
        for number, handler in before.items():
            loop.remove_signal_handler(number)  # which leaves Python's own handler, not the one that was there
            signal.signal(number, handler)
    return Report(plan, dict(sorted(outcomes.items())), time.monotonic() - began, stopped[0] if stopped else "")


async def _walk(plan: Plan, world: World, outcomes: dict[int, Outcome], listen: Callable[[Event], None]) -> None:
    ended = {step.number: asyncio.Event() for step in plan.steps}
    writers = asyncio.Semaphore(WRITERS)

    async def one(step: Step) -> None:
        for number in (*step.needs, *step.follows):
            await ended[number].wait()
        try:
            outcomes[step.number] = await _outcome(step, world, outcomes, writers, listen)
        finally:
            ended[step.number].set()

    async with asyncio.TaskGroup() as group:
        for step in plan.steps:
            group.create_task(one(step))


async def _outcome(
    step: Step, world: World, outcomes: dict[int, Outcome], writers: asyncio.Semaphore, listen: Callable[[Event], None]
) -> Outcome:
    outcome: Outcome
    because = next((number for number in step.needs if not isinstance(outcomes.get(number), Done)), None)
    if because is not None or world.stopping.is_set():
        outcome = Skipped(because or 0)
    elif isinstance(step.operation, CreateObject | CreateService | UpdateService):
        async with writers:
            outcome = await _timed(step, world, listen)
    else:
        outcome = await _timed(step, world, listen)
    listen(Ended(step, outcome))
    return outcome


async def _timed(step: Step, world: World, listen: Callable[[Event], None]) -> Outcome:
    listen(Began(step))
    began = time.monotonic()
    last: list[str] = []

    def tell(line: str) -> None:
        last[:] = [*last[-machines.LOG_LINES :], line]
        listen(Progress(step, line))

    try:
        detail = await _perform(step.operation, world, tell)
    except DeployerError as error:
        log = getattr(error, "log", ()) or tuple(last)
        reason = error.message + (f"; {error.help}" if error.help else "")
        return Failed(time.monotonic() - began, printable(reason), tuple(printable(line) for line in log))
    return Done(time.monotonic() - began, printable(detail))


async def _perform(operation: Operation, world: World, tell: Callable[[str], None]) -> str:  # noqa: C901, PLR0911 - one line an operation
    match operation:
        case InstallEngine():
            return await machines.install_engine(world, operation, tell)
        case WriteDaemonJson():
            return await machines.write_daemon_json(world, operation, tell)
        case InitSwarm():
            return await machines.init_swarm(world, operation, tell)
        case JoinSwarm():
            return await machines.join_swarm(world, operation, tell)
        case UpdateMember():
            return await machines.update_member(world, operation, tell)
        case RunContainer():
            return await machines.run_container(world, operation, tell)
        case AwaitConsul() | RegisterNode():
            return await _at_consul(operation, world, tell)
        case CreateObject():
            return await stacks.create_object(world, operation, tell)
        case CreateService():
            return await stacks.create_service(world, operation, tell)
        case UpdateService():
            return await stacks.update_service(world, operation, tell)
        case AwaitServices():
            return await await_services(world, operation, tell)


async def _at_consul(operation: AwaitConsul | RegisterNode, world: World, tell: Callable[[str], None]) -> str:
    from deployer.execute import catalogue  # noqa: PLC0415 - py-consul costs 0.1 s, and most runs have nothing to do there

    if isinstance(operation, AwaitConsul):
        return await catalogue.await_consul(world, operation, tell)
    return await catalogue.register_node(world, operation, tell)
