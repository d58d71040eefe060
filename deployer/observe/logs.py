"""Ask a manager for what the tasks of a stack's services wrote, on every machine."""

from __future__ import annotations

import asyncio
import re
from contextlib import aclosing
from typing import TYPE_CHECKING, Any, Final

from deployer.docker import Engine, EngineError, segment
from deployer.docker.frames import Frames
from deployer.errors import DeployerError, UnreachableError
from deployer.model.labels import TASK
from deployer.model.running import LogRecord
from deployer.observe.running import STACK
from deployer.remote.together import together

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from deployer.model.cluster import Cluster
    from deployer.model.running import LogQuery
    from deployer.remote import Link

SILENCE_SECONDS: Final = 10.0
"""How long the end of a log may be waited for: the manager waits for every machine's agent, also for one that is down."""
RECORD: Final = re.compile(r"(\S+Z) (com\.docker\.swarm\S+) ?(.*)", re.DOTALL)
NAMED: Final = 5
"""Services that are named where the one that is asked for does not exist."""

Json = dict[str, Any]


async def observe_logs(cluster: Cluster, link: Link, query: LogQuery, tell: Callable[[LogRecord], None]) -> list[str]:
    """`tell` gets each record: in the order of time, or as they come where the query follows. Returns who did not answer.

    DeployerError where there is no such stack or service, UnreachableError where no manager can be asked.
    """
    manager, services = await _manager(cluster, link)
    try:
        chosen = _chosen(services, query)
        async with together() as group:
            nodes = group.create_task(manager.get("/nodes"))
            tasks = group.create_task(manager.get("/tasks", filters={"service": [one["ID"] for one in chosen]}))
        names = _Names(chosen, tasks.result(), nodes.result())
        records: list[LogRecord] = []
        take = tell if query.follow else records.append
        async with together() as group:
            ends = [group.create_task(_of_service(manager, service, query, names, take)) for service in chosen]
        for record in sorted(records, key=lambda record: record.time):
            tell(record)
        return [line for end in ends if (line := end.result())]
    finally:
        manager.close()


async def _manager(cluster: Cluster, link: Link) -> tuple[Engine, list[Json]]:
    """The first manager that answers, and all services that it knows."""
    reason = "the cluster has no manager"
    for node in cluster.nodes:
        if node.role != "manager":
            continue
        try:
            engine = Engine(await link.to(node.name))
            return engine, await engine.get("/services")
        except DeployerError as error:
            reason = f"{node.name}: {error.message}"
    raise UnreachableError(f"no manager can be asked: {reason}")


def _chosen(services: Sequence[Json], query: LogQuery) -> list[Json]:
    of_stack = {
        str(service["Spec"]["Name"]): service
        for service in services
        if (service["Spec"].get("Labels") or {}).get(STACK) == query.stack
    }
    if not of_stack:
        known = sorted({str((one["Spec"].get("Labels") or {}).get(STACK) or "") for one in services} - {""})
        raise DeployerError(
            f"no service of a stack {query.stack} runs",
            help=f"there are {', '.join(known[:NAMED])}" if known else "no stack is deployed: see deployer status",
        )
    wanted = f"{query.stack}_{query.service}"
    if query.service and wanted not in of_stack:
        raise DeployerError(
            f"the stack {query.stack} has no service {query.service}",
            help=f"it has {', '.join(name.removeprefix(query.stack + '_') for name in sorted(of_stack))}",
        )
    return [of_stack[name] for name in sorted(of_stack) if not query.service or name == wanted]


class _Names:
    """What the ids in a record stand for. A task that came later is called by its id, and its node by its host name."""

    def __init__(self, services: Sequence[Json], tasks: Sequence[Json], nodes: Sequence[Json]) -> None:
        self._services = {one["ID"]: str(one["Spec"]["Name"]) for one in services}
        self._slots = {task["ID"]: str(task.get("Slot") or "") for task in tasks}
        self._hosts = {node["ID"]: str((node.get("Description") or {}).get("Hostname") or "") for node in nodes}

    def record(self, line: str) -> LogRecord:
        """`2026-01-01T00:00:00.0Z com.docker.swarm.node.id=...,...task.id=... text`; what is otherwise is a text alone."""
        found = RECORD.fullmatch(line)
        if not found:
            return LogRecord("", "", "", line)
        about: Mapping[str, str] = dict(pair.partition("=")[::2] for pair in found[2].split(","))
        task, node = about.get(TASK, ""), about.get("com.docker.swarm.node.id", "")
        service = self._services.get(about.get("com.docker.swarm.service.id", ""), "")
        return LogRecord(
            found[1], self._hosts.get(node) or node, f"{service}.{self._slots.get(task) or task}", found[3]
        )


async def _of_service(
    manager: Engine, service: Json, query: LogQuery, names: _Names, take: Callable[[LogRecord], None]
) -> str:
    """Empty, or why the log of the service is not all there."""
    asked: dict[str, bool | str] = {
        "stdout": True,
        "stderr": True,
        "timestamps": True,
        "details": True,
        "follow": query.follow,
    }
    asked |= {"tail": "all" if query.tail is None else str(query.tail), "since": f"{query.since:.0f}"}
    frames = Frames()
    silence = None if query.follow else SILENCE_SECONDS
    try:
        path = f"/services/{segment(service['ID'])}/logs"
        async with aclosing(manager.stream(path, silence=silence, **asked)) as chunks:
            async for chunk in chunks:
                for line in frames.lines(chunk):
                    take(names.record(line))
        for line in frames.rest():
            take(names.record(line))
    except (EngineError, TimeoutError) as error:
        return f"{service['Spec']['Name']}: {error}"
    except asyncio.CancelledError:
        raise
    except DeployerError as error:
        return f"{service['Spec']['Name']}: {error.message}"
    return ""
