"""Steps that take something away from the swarm: what the plan saw, and nothing that has come to its place.

Removing is no compare-and-swap in the engine's API: each step looks first. `service rm` is over before its tasks are
(moby#39564), and what they use cannot go before they have gone.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any, Final

from deployer.docker import EngineError, segment
from deployer.errors import BusyError, DeployerError, TimedOutError
from deployer.execute.services import create_object, create_service
from deployer.execute.world import GONE_STATES
from deployer.model import labels
from deployer.model.spec import ServiceSpec
from deployer.plan.stacks import CreateObject, CreateService, RemoveObject, RemoveService
from deployer.remote.clock import read_clock

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from deployer.docker import Engine
    from deployer.execute.world import World
    from deployer.plan.stacks import ReplaceNetwork, ReplaceService

GRACE_SECONDS: Final = 10.0
"""What a task may take to stop where its service does not say (docs.docker.com, docker service create, --stop-grace-period)."""
GONE_SECONDS: Final = 30.0
"""How much longer than that it may take until the swarm has forgotten it, and until a network is free."""
POLL_SECONDS: Final = 0.25
IN_USE: Final = ("in use", "active endpoints")


async def remove_service(world: World, operation: RemoveService, tell: Callable[[str], None]) -> str:
    path = f"/services/{segment(operation.seen.id)}"

    async def remove(engine: Engine) -> str:
        try:
            present = await engine.get(path)
            if present["Spec"] != operation.seen.spec:
                raise BusyError(
                    f"service {operation.name} was changed by somebody else since the plan was made",
                    help="run apply again",
                )
            await engine.delete(path)
        except EngineError as error:
            if error.status != 404:
                raise
            return "already gone"
        return ""

    detail = await world.patiently(remove)
    await _await_tasks_gone(world, operation, tell)
    return detail


async def _await_tasks_gone(world: World, operation: RemoveService, tell: Callable[[str], None]) -> None:
    """Tasks on machines that are down end nowhere: Swarm keeps them for a day."""
    began, told = read_clock(), ""
    patience = _grace_seconds(operation.seen.spec) + GONE_SECONDS
    while not world.stopping.is_set():
        left, down = await world.patiently(lambda engine: _count_tasks(engine, operation.seen.id))
        if not left:
            return
        line = f"{left} of its tasks are ending" + (f"; {down} on machines that are down" if down else "")
        if read_clock() - began > patience:
            raise TimedOutError(
                f"it is removed, and after {patience:g} s {line}", help="look at what they do on SIGTERM"
            )
        if line != told:
            told = line
            tell(line)
        await asyncio.sleep(POLL_SECONDS)
    raise DeployerError("stopped while waiting for its tasks to end")


async def _count_tasks(engine: Engine, service: str) -> tuple[int, int]:
    """(tasks that have not ended, tasks on machines that are down). The API lists no tasks by a service that is gone."""
    tasks = await engine.get("/tasks", filters={"label": [labels.CLUSTER]})
    mine = [task for task in tasks if task.get("ServiceID") == service and _state(task) not in GONE_STATES]
    if not mine:
        return 0, 0
    nodes = await engine.get("/nodes")
    down = {node["ID"] for node in nodes if (node.get("Status") or {}).get("State") == "down"}
    lost = sum(task.get("NodeID") in down for task in mine)
    return len(mine) - lost, lost


def _state(task: Mapping[str, Any]) -> str:
    return str((task.get("Status") or {}).get("State") or "")


def _grace_seconds(spec: Mapping[str, Any]) -> float:
    stated = ServiceSpec(spec).container.get("StopGracePeriod")
    return GRACE_SECONDS if stated is None else float(stated) / 1e9


async def replace_service(world: World, operation: ReplaceService, tell: Callable[[str], None]) -> str:
    await remove_service(world, RemoveService(operation.stack, operation.name, operation.seen), tell)
    return await create_service(world, CreateService(operation.stack, operation.name, operation.body))


async def remove_object(world: World, operation: RemoveObject, tell: Callable[[str], None]) -> str:
    """Remove the object. A network stays in use for a moment after its last task is gone, so this waits."""
    began, told = read_clock(), ""
    path = f"/{operation.kind}s/{segment(operation.id)}"

    async def remove(engine: Engine) -> str | None:
        try:
            await engine.delete(path)
        except EngineError as error:
            if error.status == 404:
                return "already gone"
            if operation.kind != "network" or not any(words in error.message for words in IN_USE):
                raise
            if world.stopping.is_set() or read_clock() - began > GONE_SECONDS:
                raise
            nonlocal told
            if error.message != told:
                told = error.message
                tell(told)
            return None
        return ""

    while True:
        detail = await world.patiently(remove)
        if detail is not None:
            return detail
        await asyncio.sleep(POLL_SECONDS)


async def replace_network(world: World, operation: ReplaceNetwork, tell: Callable[[str], None]) -> str:
    await remove_object(world, RemoveObject("network", operation.stack, operation.name, operation.id), tell)
    return await create_object(world, CreateObject("network", operation.stack, operation.name, operation.body))
