"""The steps of a plan, each as soon as what it waits for has ended, and what became of each."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from deployer.errors import DeployerError
from deployer.execute.perform import perform
from deployer.execute.script import LOG_LINES
from deployer.lock.hold import Held
from deployer.model.printable import printable
from deployer.plan.outcome import Began, Done, Ended, Event, Failed, Outcome, Progress, Skipped
from deployer.plan.stacks import CreateObject, CreateService, UpdateService
from deployer.remote.clock import read_clock

if TYPE_CHECKING:
    from collections.abc import Callable

    from deployer.execute.world import World
    from deployer.plan.steps import Plan, Step

WRITERS: Final = 4
"""Services that are written at once (`make bench`: more are slower). Machines are not limited: each has its own engine."""


@dataclass
class Walk:
    """One walk over a plan. `bugs` are unexpected exceptions: after one, running steps end and no other begins."""

    plan: Plan
    world: World
    listen: Callable[[Event], None]
    held: Held = field(default_factory=Held)
    """The lock; while it is not known to be ours, no step begins."""
    outcomes: dict[int, Outcome] = field(default_factory=dict)
    bugs: list[Exception] = field(default_factory=list)
    _writers: asyncio.Semaphore = field(default_factory=lambda: asyncio.Semaphore(WRITERS))
    _mute: bool = False

    async def all_steps(self) -> None:
        """Every step gets its outcome, also when this is cancelled."""
        ended = {step.number: asyncio.Event() for step in self.plan.steps}

        async def one(step: Step) -> None:
            try:
                for number in (*step.needs, *step.follows):
                    await ended[number].wait()
                await self._one(step)
            finally:
                ended[step.number].set()

        async with asyncio.TaskGroup() as group:
            for step in self.plan.steps:
                group.create_task(one(step))

    async def _one(self, step: Step) -> None:
        if isinstance(step.operation, CreateObject | CreateService | UpdateService):
            async with self._writers:
                await self._do_or_skip(step)
        else:
            await self._do_or_skip(step)

    async def _do_or_skip(self, step: Step) -> None:
        because = next((number for number in step.needs if not self._ended(number, Done)), None)
        if because is None and step.any_of and not any(self._ended(number, Done) for number in step.any_of):
            because = step.any_of[0]
        if step.rescues and not any(self._ended(number, Failed) for number in step.rescues):
            self._end(step, Done(0.0, "not needed"))
        elif because is not None or self.world.stopping.is_set() or not await self.held.confirmed():
            self._end(step, Skipped(because or 0))
        else:
            await self._do(step)

    def _ended(self, number: int, how: type[Done | Failed]) -> bool:
        return isinstance(self.outcomes.get(number), how)

    async def _do(self, step: Step) -> None:
        self._tell(Began(step))
        began = read_clock()
        last: list[str] = []

        def tell(line: str) -> None:
            line = self.world.hide(line)
            last[:] = [*last[-LOG_LINES + 1 :], line]
            self._tell(Progress(step, line))

        try:
            detail = await perform(step.operation, self.world, tell)
        except DeployerError as error:
            log = error.log or tuple(last)
            reason = self.world.hide(error.message + (f"; {error.help}" if error.help else ""))
            lines = tuple(printable(self.world.hide(line)) for line in log)
            self._end(step, Failed(read_clock() - began, printable(reason), lines))
        except asyncio.CancelledError:
            self._end(
                step, Failed(read_clock() - began, "left while it ran: how far it came is not known", tuple(last))
            )
            raise
        except Exception as error:  # noqa: BLE001 - kept, and raised when the other steps have ended
            self._bug(error)
            self._end(step, Failed(read_clock() - began, f"internal error ({type(error).__name__})", tuple(last)))
        else:
            self._end(step, Done(read_clock() - began, printable(detail)))

    def _end(self, step: Step, outcome: Outcome) -> None:
        self.outcomes[step.number] = outcome
        self._tell(Ended(step, outcome))

    def _tell(self, event: Event) -> None:
        if self._mute:
            return
        try:
            self.listen(event)
        except OSError:  # the terminal is gone: no reason to leave the cluster half done
            self._mute = True
        except Exception as error:  # noqa: BLE001 - what shows progress must not stop a write half way
            self._mute = True
            self._bug(error)

    def _bug(self, error: Exception) -> None:
        self.bugs.append(error)
        self.world.stopping.set()
