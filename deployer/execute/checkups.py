"""Which containers' health checks have failed for good, as their own engines say.

Swarm tells that a task is unhealthy only when its container was stopped for that, which takes it two seconds and the program's
own time (moby, daemon/cluster/executor/container/controller.go, Wait and Shutdown). Its engine knows at once.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any, Final

from deployer.errors import DeployerError

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterable, Mapping

    from deployer.docker import Engine

ASK_SECONDS: Final = 3.0
"""A machine that takes longer is asked again at the next beat; Swarm tells, too, if later."""


class Checkups:
    """Machines are asked in the background, each by one request at a time, and only while something of ours is starting there."""

    def __init__(self, machine_of: Callable[[str], Awaitable[str]], engine: Callable[[str], Awaitable[Engine]]) -> None:
        """`machine_of`: a node's id in, the machine's name out, empty where that is not known. `engine`: its engine, by name."""
        self._machine_of, self._engine = machine_of, engine
        self._asking: dict[str, asyncio.Task[None]] = {}
        self._found: dict[str, frozenset[str]] = {}

    def unhealthy(self, tasks: Iterable[Mapping[str, Any]]) -> frozenset[str]:
        """Ids of containers that are known to be unhealthy by now, on the machines where one of these tasks is starting."""
        nodes = {str(task.get("NodeID")) for task in tasks if _is_starting(task)}
        for node in nodes:
            if node not in self._asking or self._asking[node].done():
                self._asking[node] = asyncio.create_task(self._ask(node))
        return frozenset().union(*(self._found.get(node, frozenset()) for node in nodes))

    async def close(self) -> None:
        for asking in self._asking.values():
            asking.cancel()
        await asyncio.gather(*self._asking.values(), return_exceptions=True)

    async def _ask(self, node: str) -> None:
        try:
            async with asyncio.timeout(ASK_SECONDS):
                machine = await self._machine_of(node)
                if machine:
                    engine = await self._engine(machine)
                    told = await engine.get("/containers/json", filters={"health": ["unhealthy"]})
                    self._found[node] = frozenset(str(one["Id"]) for one in told)
        except (DeployerError, TimeoutError):
            self._found.pop(node, None)


def _is_starting(task: Mapping[str, Any]) -> bool:
    """Its program runs, and its health check has not said anything yet (swarmkit, api/types.proto, TaskState)."""
    status = task.get("Status") or {}
    return status.get("State") == "starting" and bool((status.get("ContainerStatus") or {}).get("ContainerID"))
