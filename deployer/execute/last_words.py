"""The last words of a task: what its program wrote, and what its health check said. Nothing here is a reason to fail."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Final

from deployer.docker import segment
from deployer.docker.frames import log_lines
from deployer.errors import DeployerError
from deployer.execute.world import ASK_SECONDS

if TYPE_CHECKING:
    from deployer.execute.service_state import Culprit
    from deployer.execute.world import World

LINES: Final = 10


async def last_words(world: World, task: Culprit) -> tuple[str, ...]:
    """Its last ten lines, each as `web_api.1@slave | line`; where it has a health check, what that said last."""
    said, machine = await asyncio.gather(_of_task(world, task), world.machine_of(task.node))
    if not said and machine:
        said = await _of_container(world, machine, task)
    probe = await _of_check(world, machine, task) if task.checked and machine else []
    head = f"{task.name}@{machine or task.node[:12]}"
    return (*(f"{head} | {line}" for line in said[-LINES:]), *(f"{head} health check: {line}" for line in probe))


async def _of_task(world: World, task: Culprit) -> list[str]:
    """By way of the manager, which asks the machine's own agent (`GET /tasks/{id}/logs`, from Engine 1.29 on)."""
    return await _log(world, world.via, f"/tasks/{segment(task.id)}/logs")


async def _of_container(world: World, machine: str, task: Culprit) -> list[str]:
    """At the machine itself: agents that are busy or that the manager does not reach tell nothing there."""
    return await _log(world, machine, f"/containers/{segment(task.container)}/logs")


async def _log(world: World, machine: str, path: str) -> list[str]:
    try:
        async with asyncio.timeout(ASK_SECONDS):
            engine = await world.engine(machine)
            return log_lines(await engine.raw(path, stdout=True, stderr=True, tail=str(LINES)))
    except (DeployerError, TimeoutError):
        return []


async def _of_check(world: World, machine: str, task: Culprit) -> list[str]:
    try:
        async with asyncio.timeout(ASK_SECONDS):
            told = await (await world.engine(machine)).get(f"/containers/{segment(task.container)}/json")
    except (DeployerError, TimeoutError):
        return []
    probes = ((told.get("State") or {}).get("Health") or {}).get("Log") or []
    if not probes:
        return []
    last = probes[-1]
    lines = [line for line in str(last.get("Output") or "").strip().splitlines() if line.strip()]
    return [f"exit code {last.get('ExitCode')}", *lines[-2:]]
