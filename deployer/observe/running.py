"""Ask what runs on the machines: each engine's containers, and Swarm's tasks that have none."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any, Final

from deployer.docker import Engine
from deployer.errors import DeployerError, UnreachableError
from deployer.model.address import ANY_IPV4
from deployer.model.labels import TASK
from deployer.model.running import Row, Running
from deployer.remote.together import together

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from deployer.model.cluster import Cluster
    from deployer.remote import Link

STACK: Final = "com.docker.stack.namespace"
PROJECT: Final = "com.docker.compose.project"
SERVICE: Final = "com.docker.swarm.service.name"
FAILED: Final = frozenset({"failed", "rejected", "orphaned"})
WAITING: Final = frozenset({"new", "pending", "assigned", "accepted", "preparing"})

Json = dict[str, Any]


async def observe_running(cluster: Cluster, link: Link, stack: str = "", *, everything: bool = False) -> Running:
    """Containers and tasks, of one stack or all; with `everything` those that ended, too.

    Machines that do not answer are named in it; UnreachableError where none does.
    """
    engines: dict[str, Engine] = {}

    async def ask(name: str) -> list[Json] | str:
        try:
            engines[name] = Engine(await link.to(name))
            told: list[Json] = await engines[name].get("/containers/json", all=everything)
        except DeployerError as error:
            return error.message
        return told

    names = [node.name for node in cluster.nodes]
    try:
        answers = dict(zip(names, await asyncio.gather(*map(ask, names)), strict=True))
        silent = tuple((name, told) for name, told in answers.items() if isinstance(told, str))
        if names and len(silent) == len(names):
            raise UnreachableError(f"no machine can be asked: {silent[0][0]}: {silent[0][1]}")
        rows = [_container(name, one) for name, told in answers.items() if not isinstance(told, str) for one in told]
        managers = [node.name for node in cluster.nodes if node.role == "manager" and node.name in engines]
        rows += _without_containers(await _tasks([engines[name] for name in managers]), rows, everything=everything)
    finally:
        for engine in engines.values():
            engine.close()
    chosen = [row for row in rows if not stack or row.stack == stack]
    return Running(cluster.name, tuple(sorted(chosen, key=lambda row: (row.machine, row.name, -row.created))), silent)


async def _tasks(managers: Sequence[Engine]) -> tuple[list[Json], list[Json], list[Json]]:
    """Tasks, services and nodes as the first manager that answers tells them; empty where there is no swarm."""
    for manager in managers:
        try:
            async with together() as group:
                asked = [group.create_task(manager.get(path)) for path in ("/tasks", "/services", "/nodes")]
        except DeployerError:
            continue
        tasks, services, nodes = (task.result() for task in asked)
        return tasks, services, nodes
    return [], [], []


def _container(machine: str, told: Mapping[str, Any]) -> Row:
    """An entry of `GET /containers/json`."""
    labels = told.get("Labels") or {}
    status = str(told.get("Status") or "")
    return Row(
        machine=machine,
        name=str((told.get("Names") or ["/" + str(told["Id"])[:12]])[0]).removeprefix("/"),
        id=str(told["Id"])[:12],
        image=str(told.get("Image") or "").partition("@")[0],
        command=str(told.get("Command") or ""),
        created=float(told.get("Created") or 0),
        status=status,
        ports=tuple(sorted({_port(port) for port in told.get("Ports") or ()})),
        stack=str(labels.get(STACK) or labels.get(PROJECT) or ""),
        service=str(labels.get(SERVICE) or ""),
        task=str(labels.get(TASK) or ""),
        failed=told.get("State") == "dead" or (told.get("State") == "exited" and not status.startswith("Exited (0)")),
    )


def _port(port: Mapping[str, Any]) -> str:
    """`0.0.0.0:80->8080/tcp`, `6379/tcp`; an IPv6 address in brackets."""
    inner = f"{port.get('PrivatePort')}/{port.get('Type')}"
    if not port.get("PublicPort"):
        return inner
    address = str(port.get("IP") or ANY_IPV4)
    return f"{f'[{address}]' if ':' in address else address}:{port['PublicPort']}->{inner}"


def _without_containers(
    told: tuple[Sequence[Json], Sequence[Json], Sequence[Json]], rows: Iterable[Row], *, everything: bool
) -> list[Row]:
    """Tasks that wait for a machine or an image; with `everything` those that ended and whose container is gone, too."""
    tasks, services, nodes = told
    specs = {service["ID"]: service["Spec"] for service in services}
    hosts = {node["ID"]: str((node.get("Description") or {}).get("Hostname") or node["ID"]) for node in nodes}
    listed = {row.task for row in rows}
    found = []
    for task in tasks:
        state = str(task["Status"]["State"])
        waits = task.get("DesiredState") in {"running", "complete", "ready"} and state in WAITING | FAILED
        if task["ID"] in listed or task["ServiceID"] not in specs or not (waits or (everything and state in FAILED)):
            continue
        spec = specs[task["ServiceID"]]
        error = str(task["Status"].get("Err") or "")
        slot = task.get("Slot") or str(task.get("NodeID") or "")
        found.append(
            Row(
                machine=hosts.get(task.get("NodeID") or "", ""),
                name=f"{spec['Name']}.{slot}.{task['ID']}" if slot else f"{spec['Name']}.{task['ID']}",
                image=str(((task.get("Spec") or {}).get("ContainerSpec") or {}).get("Image") or "").partition("@")[0],
                status=state.capitalize() + (f": {error}" if error else ""),
                stack=str((spec.get("Labels") or {}).get(STACK) or ""),
                service=str(spec["Name"]),
                task=str(task["ID"]),
                failed=state in FAILED,
            )
        )
    return found
