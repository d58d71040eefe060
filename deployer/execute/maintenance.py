"""Maintenance: the waits for a machine that goes out of service and comes back, and what is done to it meanwhile."""

from __future__ import annotations

import asyncio
import contextlib
from typing import TYPE_CHECKING, Any, Final

from deployer.docker import EngineError, segment
from deployer.errors import DeployerError, TimedOutError
from deployer.execute import packages, restart
from deployer.execute.beats import Endurance
from deployer.execute.converge import NotConvergedError
from deployer.execute.pulse import by_service
from deployer.execute.service_state import service_state
from deployer.execute.swarm import change_member
from deployer.execute.world import FAILED_STATES, GONE_STATES
from deployer.plan.maintenance import (
    AwaitDrained,
    AwaitReady,
    PowerOff,
    PurgeEngine,
    RemoveOwn,
    RestartMachine,
    SetAvailability,
    UpgradeEngine,
)
from deployer.remote import ConnectionFailedError
from deployer.remote.clock import read_clock
from deployer.remote.together import together

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from deployer.execute.service_state import ServiceState
    from deployer.execute.world import World
    from deployer.plan.maintenance import MaintenanceOperation

    Tell = Callable[[str], None]


POLL_SECONDS: Final = 0.5
LEAVE_SECONDS: Final = 60.0


async def perform(operation: MaintenanceOperation, world: World, tell: Callable[[str], None]) -> str:
    """Do it; a few words on the result. Raises DeployerError with the reason where it cannot be done."""
    match operation:
        case SetAvailability():
            done = await set_availability(world, operation)
        case AwaitDrained() | AwaitReady():
            done = await await_member(world, operation, tell)
        case RestartMachine():
            done = await restart.restart_machine(world, operation, tell)
        case PowerOff():
            done = await restart.power_off(world, operation, tell)
        case UpgradeEngine():
            done = await packages.upgrade_engine(world, operation, tell)
        case PurgeEngine():
            done = await packages.purge_engine(world, operation, tell)
        case RemoveOwn():
            done = await remove_own(world, operation)
    return done


async def set_availability(world: World, operation: SetAvailability) -> str:
    """Change the availability of a member; role and labels stay."""
    manager = await world.engine(operation.via)
    return await change_member(manager, operation.member, Availability=operation.availability)


async def await_member(world: World, operation: AwaitDrained | AwaitReady, tell: Tell) -> str:
    """Wait for a machine to be empty, or ready, and for the services. Managers that elect meanwhile are asked again.

    Raises NotConvergedError, which says what is missing, when the time is up.
    """
    began = read_clock()
    told, missing = "", "the managers do not answer"
    endurance = Endurance()
    earlier: frozenset[str] | None = None
    proven: frozenset[str] = frozenset()
    errors: tuple[str, ...] = ()
    while not world.stopping.is_set():
        try:
            seen = await _look(world, operation.via, operation.member)
            own = await _own_word(world, operation)
        except (ConnectionFailedError, EngineError, TimedOutError) as error:
            missing = error.message
        else:
            if earlier is None:
                earlier = frozenset(task["ID"] for task in seen.tasks if task["Status"]["State"] in FAILED_STATES)
                proven = frozenset(task["ID"] for task in seen.tasks if task["Status"]["State"] == "running")
            states = seen.states(operation.services, earlier, proven)
            now = read_clock()
            late = [state for state in states if not (endurance.steady(state, now) and state.settled)]
            there = seen.left() if isinstance(operation, AwaitDrained) else seen.unready() or own
            if not there and not late:
                return f"{len(states)} services run in full" if len(states) > 1 else ""
            unsettled = [f"{one.name} {one.running}/{one.wanted}" for one in late if not one.settled]
            missing = "; ".join([*([there] if there else []), *unsettled]) or "seeing whether they stay"
            errors = tuple(line for state in late for line in state.errors)
        if read_clock() - began > operation.timeout:
            raise NotConvergedError(f"not so after {operation.timeout:g} s: {missing}", errors)
        if missing != told:
            told = missing
            tell(told)
        await asyncio.sleep(POLL_SECONDS)
    raise DeployerError("stopped while waiting")


async def _own_word(world: World, operation: AwaitDrained | AwaitReady) -> str:
    """Why the machine itself does not call itself a member: managers take some seconds to notice that one was away."""
    if isinstance(operation, AwaitDrained):
        return ""
    swarm = (await (await world.again(operation.node)).get("/info"))["Swarm"]
    if swarm["LocalNodeState"] == "locked":
        raise LockedError(
            "it is locked: its swarm has autolock on",
            help=f"deployer swarm unlock {operation.node} --key-file FILE; then the same command with the machines that are left",
        )
    return "" if swarm["LocalNodeState"] == "active" else f"it calls its place in the swarm {swarm['LocalNodeState']}"


class LockedError(DeployerError):
    """A manager that restarted and waits for its key."""


class _Seen:
    """One look at the swarm: the machine's entry, all services and all tasks."""

    def __init__(self, member: str, nodes: Sequence[Any], services: Sequence[Any], tasks: Sequence[Any]) -> None:
        self.member = member
        self.nodes = {node["ID"]: node for node in nodes}
        self.services: Mapping[str, Any] = {service["Spec"]["Name"]: service for service in services}
        self.tasks = tasks

    def left(self) -> str:
        """What is still on the machine; empty where nothing is."""
        names = {service["ID"]: name for name, service in self.services.items()}
        here = sorted(
            names.get(task["ServiceID"], task["ServiceID"])
            for task in self.tasks
            if task.get("NodeID") == self.member and task["Status"]["State"] not in GONE_STATES
        )
        return f"still there: {', '.join(here)}" if here else ""

    def unready(self) -> str:
        """Why the managers do not call it ready; empty where they do."""
        node = self.nodes.get(self.member)
        if node is None:
            return "the managers do not know it"
        state = str((node.get("Status") or {}).get("State") or "unknown")
        if state != "ready":
            return f"the managers call it {state}"
        reached = (node.get("ManagerStatus") or {}).get("Reachability", "reachable")
        return "" if reached == "reachable" else f"as a manager it is {reached}"

    def states(self, names: Sequence[str], earlier: frozenset[str], proven: frozenset[str]) -> list[ServiceState]:
        """The states of the services that are still there. Tasks that had failed before do not count against them."""
        down = frozenset(id_ for id_, node in self.nodes.items() if node["Status"]["State"] != "ready")
        tasks = by_service([task for task in self.tasks if task["ID"] not in earlier])
        return [
            service_state(name, self.services[name], tasks.get(self.services[name]["ID"], ()), down=down, proven=proven)
            for name in names
            if name in self.services
        ]


async def _look(world: World, via: str, member: str) -> _Seen:
    manager = await world.again(via)
    async with together() as group:
        nodes = group.create_task(manager.get("/nodes"))
        services = group.create_task(manager.get("/services", status=True))
        tasks = group.create_task(manager.get("/tasks"))
    return _Seen(member, nodes.result(), services.result(), tasks.result())


async def remove_own(world: World, operation: RemoveOwn) -> str:
    """Remove containers and volumes. Containers are stopped first, so that a registrator or a Consul agent can deregister itself."""
    engine = await world.engine(operation.node)
    removed = 0
    for name in operation.containers:
        path = f"/containers/{segment(name)}"
        with contextlib.suppress(_GoneError):
            await _unless_gone(engine.post_slowly(f"{path}/stop", {}, LEAVE_SECONDS, t=15))
            await _unless_gone(engine.delete(path, force=True))
            removed += 1
    for name in operation.volumes:
        with contextlib.suppress(_GoneError):
            await _unless_gone(engine.delete(f"/volumes/{segment(name)}"))
            removed += 1
    return "" if removed else "already so"


class _GoneError(DeployerError):
    pass


async def _unless_gone(request: Any) -> None:
    try:
        await request
    except EngineError as error:
        if error.status == 404:
            raise _GoneError(error.message) from None
        if error.status != 304:  # it has stopped already
            raise
