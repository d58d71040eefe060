"""What an executing step may use: the connections, the engines behind them, and what this run has done so far."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final, TypeVar

from deployer.docker import Engine, EngineError
from deployer.docker.credentials import Credentials
from deployer.errors import DeployerError
from deployer.execute.checkups import Checkups
from deployer.execute.pulse import Pulse
from deployer.model import labels
from deployer.remote import ConnectionFailedError
from deployer.remote.clock import read_clock

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from deployer.remote import Link

T = TypeVar("T")

LOST_SECONDS: Final = 20.0
"""How long the manager may be away: an engine that restarts, or a swarm that elects a leader, is back before that."""
PAUSE_SECONDS: Final = 0.2
ASK_SECONDS: Final = 3.0
"""How long what is only good to know may take."""
FAILED_STATES: Final = frozenset({"failed", "rejected"})
ENDED_STATES: Final = FAILED_STATES | {"complete"}
GONE_STATES: Final = ENDED_STATES | {"shutdown", "remove", "orphaned"}
"""States after which a task has no container that runs (docs.docker.com, "Swarm task states")."""


@dataclass(frozen=True)
class Before:
    """Ids of tasks that had ended, and of those that ran, before this run."""

    ended: frozenset[str]
    running: frozenset[str]


@dataclass
class World:
    """One run's hold on the cluster.

    `stopping` is set when the run is to end: no step begins any more, waits end. Engines are kept, so that their open
    streams are used again.
    """

    link: Link
    via: str
    """The machine whose engine speaks for the swarm."""
    stopping: asyncio.Event = field(default_factory=asyncio.Event)
    planned: frozenset[str] = frozenset()
    """Services that the plan writes."""
    hide: Callable[[str], str] = str
    """Takes secrets out of what machines and programs say."""
    created: set[str] = field(default_factory=set)
    """Services that this run has made: every failure of their tasks is its own."""
    made: dict[str, str] = field(default_factory=dict)
    """Their ids, where it was this run that made them and nobody was faster."""
    written: set[str] = field(default_factory=set)
    """Services that were written as planned."""
    given_up: set[str] = field(default_factory=set)
    """Services that failed while they were waited for."""
    joining: asyncio.Lock = field(default_factory=asyncio.Lock)
    """Managers join one after the other: each changes the quorum that the next one needs."""
    credentials: Credentials = field(default_factory=Credentials)
    """For registries: of whoever runs this."""
    pulse: Pulse = field(init=False)
    _engines: dict[str, Engine] = field(default_factory=dict)
    _ends: dict[str, float] = field(default_factory=dict)
    _machines: dict[str, str] = field(default_factory=dict)
    _asking: asyncio.Task[Before] | None = None
    _lost: Exception | None = None

    def __post_init__(self) -> None:
        self.pulse = Pulse(self.manager, Checkups(self.machine_of, self.engine))

    async def engine(self, node: str) -> Engine:
        """The engine of that machine. Raises ConnectionFailedError."""
        connection = await self.link.to(node)
        return self._engines.setdefault(node, Engine(connection))

    async def again(self, node: str) -> Engine:
        """The same, over a new connection where the last one failed: the machine may have been away on purpose."""
        try:
            return await self.engine(node)
        except ConnectionFailedError:
            await self.forget(node)
            return await self.engine(node)

    async def forget(self, node: str) -> None:
        """Close what leads to a machine that restarts; whoever asks for it next gets a new connection."""
        if engine := self._engines.pop(node, None):
            engine.close()
        await self.link.forget(node)

    async def manager(self) -> Engine:
        return await self.engine(self.via)

    async def patiently(self, ask: Callable[[Engine], Awaitable[T]]) -> T:
        """What `ask` says of the manager's engine; asked again while that restarts or elects.

        `ask` may have been carried out although its answer was lost: it has to find that out by itself. A manager that
        stays away costs LOST_SECONDS once a run.
        """
        engine = await self.manager()
        began = read_clock()
        while True:
            try:
                return await ask(engine)
            except (ConnectionFailedError, EngineError) as error:
                if not passing(error) or self._lost or self.stopping.is_set():
                    raise
                if read_clock() - began > LOST_SECONDS:
                    self._lost = error
                    raise
            await asyncio.sleep(PAUSE_SECONDS)

    def waited_for(self, service: str) -> bool:
        """Whether the service is to be waited for: it was written, or not planned to be, and has not failed yet."""
        return service not in self.given_up and (service in self.written or service not in self.planned)

    def ends(self, stack: str, seconds: float) -> float:
        """Until when (`read_clock`) the stack may be waited for: that long from the first time that this is asked."""
        return self._ends.setdefault(stack, read_clock() + seconds)

    async def machine_of(self, node_id: str) -> str:
        """The machine that is this node of the swarm; empty where none that answers says so. Never raises."""
        if node_id not in self._machines:
            names = [node.name for node in self.link.cluster.nodes if node.role != "none"]
            told = await asyncio.gather(*map(self._node_id, names))
            self._machines |= {found: name for name, found in zip(names, told, strict=True) if found}
        return self._machines.get(node_id, "")

    async def _node_id(self, machine: str) -> str:
        try:
            async with asyncio.timeout(ASK_SECONDS):
                told = await (await self.engine(machine)).get("/info")
            return str((told.get("Swarm") or {}).get("NodeID") or "")
        except (DeployerError, TimeoutError):
            return ""

    async def before(self) -> Before:
        """The tasks as they were before this run wrote anything; asked once."""
        if self._asking is None or (self._asking.done() and self._asking.exception()):
            self._asking = asyncio.create_task(self._ask_before())
        return await asyncio.shield(self._asking)

    async def _ask_before(self) -> Before:
        tasks = await (await self.manager()).get("/tasks", filters={"label": [labels.CLUSTER]})
        states = {str(task["ID"]): str(task["Status"]["State"]) for task in tasks}
        return Before(
            ended=frozenset(task for task, state in states.items() if state in ENDED_STATES),
            running=frozenset(task for task, state in states.items() if state == "running"),
        )

    async def close(self) -> None:
        """Close the kept streams, and end what is still being asked."""
        await self.pulse.close()
        if self._asking:
            self._asking.cancel()
            await asyncio.gather(self._asking, return_exceptions=True)
        for engine in self._engines.values():
            engine.close()


def passing(error: ConnectionFailedError | EngineError) -> bool:
    """Whether it is worth asking again: the engine is away, or its swarm has no leader at the moment."""
    if isinstance(error, ConnectionFailedError) or error.status == 503:
        return True
    return any(words in error.message for words in ("does not have a leader", "deadline exceeded", "DeadlineExceeded"))
