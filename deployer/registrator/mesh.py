"""What of a swarm is reachable through the routing mesh. Pure.

The leading manager alone registers it, on its own agent: ids are unique per agent, so three managers would make three
entries of one task. Each running task of a service with ingress ports is one service at its own node's address and the published
port; the mesh forwards to any task behind. Under -internal the nodes register the tasks at their overlay addresses instead.
"""

from __future__ import annotations

from dataclasses import replace
from itertools import islice
from typing import TYPE_CHECKING, Any

from deployer.model.address import ANY_IPV4
from deployer.registrator.container import Binding, Container, Port
from deployer.registrator.services import MOST, Found, services

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from deployer.registrator.flags import Options
    from deployer.registrator.network import Host

TASK = "task:"
"""Marks an owner that is a task and no container."""


def ingress(service: Mapping[str, Any]) -> tuple[Mapping[str, Any], ...]:
    """The ports that a service publishes through the mesh."""
    ports = (service.get("Endpoint") or {}).get("Ports") or ()
    found = (port for port in ports if port.get("PublishMode") == "ingress" and port.get("PublishedPort"))
    return tuple(islice(found, MOST))


def mesh(
    told: Iterable[Mapping[str, Any]],
    tasks: Iterable[Mapping[str, Any]],
    nodes: Iterable[Mapping[str, Any]],
    host: Host,
    options: Options,
) -> dict[str, Found]:
    """What each running task is to be registered as, by `task:ID`. A task on a node without an address is left out."""
    published = {one["ID"]: one for one in told if ingress(one)}
    places = {node["ID"]: _place(node) for node in nodes}
    found: dict[str, Found] = {}
    for task in sorted(tasks, key=lambda one: str(one["ID"])):
        service = published.get(task.get("ServiceID", ""))
        name, address = places.get(task.get("NodeID", ""), ("", ""))
        if service and address and _runs(task):
            made = _container(task, service, name, address)
            found[made.id] = services(made, None, host, replace(options, internal=False, ip="", useIpFromLabel=""))
    return found


def _runs(task: Mapping[str, Any]) -> bool:
    return task.get("DesiredState") == "running" and (task.get("Status") or {}).get("State") == "running"


def _place(node: Mapping[str, Any]) -> tuple[str, str]:
    """A node's name and address; a manager may say 0.0.0.0 of itself, and then its other address is right."""
    address = str((node.get("Status") or {}).get("Addr") or "")
    if address in {"", ANY_IPV4}:
        address = str((node.get("ManagerStatus") or {}).get("Addr") or "").rpartition(":")[0].strip("[]")
    return str((node.get("Description") or {}).get("Hostname") or node["ID"]), address


def _container(task: Mapping[str, Any], service: Mapping[str, Any], node: str, address: str) -> Container:
    """The task as if it were a container that publishes its ports on its node's address. The service's own labels come last, and win."""
    spec = (task.get("Spec") or {}).get("ContainerSpec") or {}
    name = str(service["Spec"]["Name"])
    which = task.get("Slot") or task.get("NodeID")
    labels = {
        **(spec.get("Labels") or {}),
        **(service["Spec"].get("Labels") or {}),
        "com.docker.swarm.task.id": task["ID"],
        "com.docker.swarm.task.name": f"{name}.{which}.{task['ID']}",
        "com.docker.swarm.service.name": name,
    }
    ports: dict[tuple[int, str], list[Binding]] = {}
    for port in ingress(service):
        at = (int(port["TargetPort"]), str(port.get("Protocol") or "tcp"))
        ports.setdefault(at, []).append(Binding(address, int(port["PublishedPort"])))
    return Container(
        id=TASK + str(task["ID"]),
        name=labels["com.docker.swarm.task.name"],
        image=str(spec.get("Image") or "").partition("@")[0],
        env=tuple(spec.get("Env") or ()),
        labels=labels,
        ports=tuple(Port(*at, tuple(ports[at])) for at in sorted(ports)),
        node=node,
        raw={"Id": task["ID"], "Name": f"/{name}.{which}", "Config": {**spec, "Labels": labels}},
    )
