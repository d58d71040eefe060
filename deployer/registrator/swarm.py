"""The swarm, asked at intervals: managers say nothing about tasks in their events (moby#37403)."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

from deployer.registrator.engine import EngineError
from deployer.registrator.mesh import ingress, mesh

if TYPE_CHECKING:
    from deployer.registrator.engine import Engine
    from deployer.registrator.flags import Options
    from deployer.registrator.network import Host
    from deployer.registrator.services import Found

TASKS: Final = 1.0
"""Seconds between two looks at the tasks, on the leader of a swarm that publishes something through the mesh."""
LEADER: Final = 5.0
"""Seconds between two looks at who leads, on a manager."""
MEMBER: Final = 20.0
"""Seconds between two looks at whether this machine is a manager now; also the age at which services and nodes are read again."""


@dataclass
class Watch:
    """What was read, and when (monotonic seconds)."""

    node: str = ""
    leads: bool = False
    services: list[dict[str, Any]] = field(default_factory=list)
    nodes: list[dict[str, Any]] = field(default_factory=list)
    read: float = float("-inf")
    asked: float = float("-inf")

    def stale(self) -> None:
        """Services or nodes changed: read them at the next look.

        Only managers hear of that; one that did not know itself to be one asks now.
        """
        self.read = float("-inf")
        if not self.node:
            self.asked = float("-inf")

    @property
    def pause(self) -> float:
        """Seconds until the next look."""
        if self.leads and self.services:
            return TASKS
        return LEADER if self.node else MEMBER


def look(watch: Watch, engine: Engine, host: Host, options: Options, now: float) -> dict[str, Found]:
    """What this machine's registrator has to register for the mesh; nothing where it does not lead the swarm.

    Raises EngineError; what was known then stays, as what cannot be read is not gone.
    """
    try:
        return _look(watch, engine, host, options, now)
    except (AttributeError, TypeError, ValueError, LookupError):
        raise EngineError("what it says of the swarm has another form than an engine's") from None


def _look(watch: Watch, engine: Engine, host: Host, options: Options, now: float) -> dict[str, Found]:
    if now - watch.asked >= MEMBER:
        swarm = engine.info().get("Swarm") or {}
        watch.node = str(swarm.get("NodeID") or "") if swarm.get("ControlAvailable") else ""
        watch.asked = now
    if not watch.node:
        watch.leads = False
        return {}
    try:
        told = engine.swarm_node(watch.node)
    except EngineError:
        watch.asked = float("-inf")  # a worker now? Asked first at the next look, so that what it had registered goes
        raise
    watch.leads = bool((told.get("ManagerStatus") or {}).get("Leader"))
    if not watch.leads:
        return {}
    if now - watch.read >= MEMBER:
        watch.services = [one for one in engine.swarm_services() if ingress(one)]
        watch.nodes = engine.swarm_nodes() if watch.services else []
        watch.read = now
    if not watch.services:
        return {}
    tasks = engine.swarm_tasks([one["ID"] for one in watch.services])
    return mesh(watch.services, tasks, watch.nodes, host, options)
