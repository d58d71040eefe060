"""Going back to what ran before: the old spec is written over the one that this run sent, and over nothing else."""

from __future__ import annotations

import asyncio
from contextlib import aclosing
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from deployer.docker import EngineError, segment
from deployer.errors import BusyError, DeployerError
from deployer.execute.beats import Endurance, beats
from deployer.execute.services import ATTEMPTS
from deployer.model import labels
from deployer.plan.stacks import image_text
from deployer.remote.clock import read_clock

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from deployer.docker import Engine
    from deployer.execute.world import World
    from deployer.plan.stacks import Back, RollBackStack

NOT_FOUND: Final = 404
LEAST_SECONDS: Final = 60.0
"""A short `wait` is about what is new: what ran before is given its time."""


@dataclass(frozen=True)
class Went:
    """How the going back went, as one reads it after the service's failure."""

    text: str
    well: bool


def _removal(id_: str) -> Callable[[Engine], Awaitable[None]]:
    async def remove(engine: Engine) -> None:
        try:
            await engine.delete(f"/services/{segment(id_)}")
        except EngineError as error:
            if error.status != NOT_FOUND:  # somebody was faster, or the answer was lost
                raise

    return remove


async def go_back(world: World, back: Back, seconds: float) -> Went:
    """Write the old spec and wait until it runs, so long at most, and LEAST_SECONDS at least. Raises no DeployerError."""
    try:
        await world.patiently(lambda engine: _write(engine, back))
        return await _until_it_runs(world, back, seconds)
    except DeployerError as error:
        return Went(f"not back to {image_text(back)}: {error.message}", well=False)


async def _write(engine: Engine, back: Back) -> None:
    """Write the old spec, unless Swarm itself has rolled it back.

    Raises BusyError where somebody has changed the service since this run wrote it.

    Not Swarm's own rollback: its PreviousSpec is whatever was written before, which any update that changes nothing
    replaces (docker/cli#6752).
    """
    path = f"/services/{segment(back.seen.id)}"
    for _ in range(ATTEMPTS):
        present: dict[str, Any] = await engine.get(path)
        if present["Spec"] == back.seen.spec:
            return
        if (present["Spec"].get("Labels") or {}).get(labels.HASH) != back.sent:
            raise BusyError("somebody else has changed it meanwhile")
        try:
            await engine.post(f"{path}/update", back.seen.spec, version=present["Version"]["Index"])
        except EngineError as error:
            if "out of sequence" not in error.message:
                raise
        else:
            return
    raise BusyError("it changes too often to be updated")


async def _until_it_runs(world: World, back: Back, seconds: float) -> Went:
    end, endurance, reason, count = (
        read_clock() + max(seconds, LEAST_SECONDS),
        Endurance(),
        "the run was stopped",
        "",
    )
    async with aclosing(beats(world, [back.service], returning=True)) as seen:
        async for now, (state,) in seen:
            count = f"{state.running}/{state.wanted}"
            if endurance.steady(state, now) and state.settled:
                return Went(f"back to {image_text(back)}, {count}", well=True)
            reason = endurance.trouble(state, now) or ("its time is up" if now > end else "")
            if reason:
                break
    return Went(
        f"back to {image_text(back)}, and not well with it: {count} ({reason or 'the run was stopped'})", well=False
    )


async def roll_back_stack(world: World, operation: RollBackStack, tell: Callable[[str], None]) -> str:
    """Roll back all services of the stack that this run has written. Raises DeployerError where one of them is not well afterwards."""
    gone = [name for name in operation.created if name in world.made]
    backs = [back for back in operation.back if back.service in world.written]
    for name in gone:
        await world.patiently(_removal(world.made[name]))
        tell(f"{name}: removed")
    went = await asyncio.gather(*(go_back(world, back, operation.timeout) for back in backs))
    told = [f"{name}: removed" for name in gone]
    told += [f"{back.service}: {one.text}" for back, one in zip(backs, went, strict=True)]
    if not all(one.well for one in went):
        raise DeployerError("; ".join(told))
    return "; ".join(told)
