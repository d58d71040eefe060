"""What an executing step may use: the connections, the engines behind them, and a voice."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from deployer.docker import Engine

if TYPE_CHECKING:
    from deployer.remote import Link


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
    written: set[str] = field(default_factory=set)
    """Services that this run has created or updated: every failure of their present spec is its own."""
    _engines: dict[str, Engine] = field(default_factory=dict)

    async def engine(self, node: str) -> Engine:
        """The engine of that machine. Raises ConnectionFailedError."""
        if node not in self._engines:
            self._engines[node] = Engine(await self.link.to(node))
        return self._engines[node]

    async def manager(self) -> Engine:
        return await self.engine(self.via)
