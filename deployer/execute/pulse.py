"""The swarm while it is waited for: asked five times a second, however many wait, and never for each of them."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from deployer.model import labels
from deployer.remote.clock import read_clock
from deployer.remote.together import together

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence

    from deployer.docker import Engine
    from deployer.execute.checkups import Checkups

POLL_SECONDS: Final = 0.2
MOST_NAMES: Final = 40
"""Of services that are asked for by name: they stand in the request's first line. Of more, all of ours are asked for."""

Json = dict[str, Any]


@dataclass(frozen=True)
class Beat:
    """What a manager said: services by name (`GET /services?status=true`), tasks by service id, ids of nodes that are not ready;
    and ids of containers whose engines call them unhealthy.
    """

    services: Mapping[str, Json]
    tasks: Mapping[str, Sequence[Json]]
    down: frozenset[str]
    unhealthy: frozenset[str] = frozenset()


class Pulse:
    """`await pulse.beat(names)`: what the swarm says of these services after this call. Whoever asks before it is sent gets the same
    answer, which is of all that was asked for.
    """

    def __init__(self, manager: Callable[[], Awaitable[Engine]], checkups: Checkups) -> None:
        self._manager, self._checkups = manager, checkups
        self._next: asyncio.Task[Beat] | None = None
        self._asking: set[asyncio.Task[Beat]] = set()
        self._asked = float("-inf")
        self._names: set[str] = set()

    async def beat(self, names: Iterable[str]) -> Beat:
        """Raises what Engine raises; not before the time of the next beat, either way."""
        self._names.update(names)
        if self._next is None:
            self._next = asyncio.create_task(self._ask())
            self._asking.add(self._next)
            self._next.add_done_callback(self._ended)
        return await asyncio.shield(self._next)

    async def close(self) -> None:
        for task in (asking := list(self._asking)):
            task.cancel()
        await asyncio.gather(*asking, return_exceptions=True)
        await self._checkups.close()

    def _ended(self, task: asyncio.Task[Beat]) -> None:
        self._asking.discard(task)
        if not task.cancelled():
            task.exception()  # whoever waited has it; where nobody waits any more, nobody need be told

    async def _ask(self) -> Beat:
        await asyncio.sleep(self._asked + POLL_SECONDS - read_clock())
        self._next = None  # who comes from here on may have done something that this answer does not know
        self._asked = read_clock()
        names, self._names = self._names, set()
        engine = await self._manager()
        ours = {"label": [labels.CLUSTER]}
        # Counting the tasks of a thousand services five times a second is work that a manager has better uses for.
        these = {**ours, "name": sorted(names)} if len(names) <= MOST_NAMES else ours
        async with together() as group:
            services = group.create_task(engine.get("/services", status=True, filters=these))
            tasks = group.create_task(engine.get("/tasks", filters=ours))
            nodes = group.create_task(engine.get("/nodes"))
        return Beat(
            {service["Spec"]["Name"]: service for service in services.result()},
            by_service(tasks.result()),
            frozenset(node["ID"] for node in nodes.result() if node["Status"]["State"] != "ready"),
            self._checkups.unhealthy(tasks.result()),
        )


def by_service(tasks: Sequence[Json]) -> dict[str, list[Json]]:
    """Tasks by the id of their service."""
    found: dict[str, list[Json]] = {}
    for task in tasks:
        found.setdefault(task["ServiceID"], []).append(task)
    return found
