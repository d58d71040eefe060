"""Find what of all stacks and the machines cannot go together, without asking any machine.

Where a machine's own word is needed (its architecture, its host name, the labels of its engine) nothing is said.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Literal

from deployer.compose.ports import collisions
from deployer.model.constraint import CONSTRAINT, holds, mistake
from deployer.model.placed import Placed
from deployer.model.spec import ServiceSpec
from deployer.startup import defer_imports

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from deployer.compose.rules import Path
    from deployer.model.cluster import Cluster, Node
    from deployer.model.desired import Desired
    from deployer.model.problem import Problem
    from deployer.model.stack import Body, StackObjects

with defer_imports():
    from deployer.compose import place

_SOCKETS: Final = ("/var/run/docker.sock", "/run/docker.sock")
_SYSTEM: Final = ("/etc", "/root", "/boot", "/proc", "/sys", "/dev", "/var/lib/docker", "/var/run", "/run")


@dataclass(frozen=True)
class Finding:
    """One thing that is wrong with a service, at a place below `services.NAME`."""

    service: Placed
    at: Path
    message: str
    help: str
    severity: Literal["error", "warning"] = "error"


def problems_together(desired: Desired, objects: Sequence[StackObjects]) -> list[Problem]:
    """Problems of services that compile one by one, at their places in the files."""
    services = [placed(desired.cluster, stack.stack, body) for stack in objects for body in stack.services]
    findings = [finding for service in services for finding in _placement(desired.cluster, service)]
    findings += [
        Finding(one, ("ports", port), message, "publish another port, or place them by constraints")
        for one, port, message in collisions(services)
    ]
    findings += _volumes(services, {name for stack in objects for kind, name in stack.external if kind == "volume"})
    if desired.cluster.policy.privileged != "allow":
        severity: Literal["error", "warning"] = "error" if desired.cluster.policy.privileged == "deny" else "warning"
        findings += [finding for service in services for finding in _privileges(service, severity)]
    if not findings:
        return []
    places = place.Places({stack.name: stack for stack in desired.stacks})
    return [
        places.problem(
            one.service.stack, ("services", one.service.name, *one.at), one.message, one.help, severity=one.severity
        )
        for one in findings
    ]


def placed(cluster: Cluster, stack: str, body: Body) -> Placed:
    """The service with the machines that it may run on, as far as git knows."""
    machines = [node for node in cluster.nodes if node.role != "none" and node.availability != "drain"]
    fit = [
        node.name
        for node in machines
        if not any(holds(text, lambda key, node=node: _attribute(node, key)) is False for text in _constraints(body))  # type: ignore[misc]  # the default binds the node
    ]
    return Placed(stack, str(body["Name"]).removeprefix(f"{stack}_"), body, frozenset(fit))


def _attribute(node: Node, key: str) -> str | None:
    if key.lower().startswith("node.labels."):
        return dict(node.labels).get(key[len("node.labels.") :], "")
    return node.role if key.lower() == "node.role" else None


def _constraints(body: Body) -> list[str]:
    return ServiceSpec(body).constraints


def _placement(cluster: Cluster, service: Placed) -> Iterator[Finding]:
    at: Path = ("deploy", "placement", "constraints")
    constraints = _constraints(service.body)
    wrong = [(index, mistake(text)) for index, text in enumerate(constraints) if mistake(text)]
    for index, message in wrong:
        yield Finding(service, (*at, constraints[index]), message, "node.role, node.hostname, node.labels.NAME, ...")
    machines = [node for node in cluster.nodes if node.role != "none" and node.availability != "drain"]
    if wrong or not machines or service.replicas == 0:
        return
    names = {node.name for node in cluster.nodes}
    for text in constraints:
        matched = CONSTRAINT.fullmatch(text)
        if matched and matched[1].lower() == "node.hostname" and matched[2] == "==" and matched[3] not in names:
            message = f"no machine of cluster/nodes is called {matched[3]!r}"
            yield Finding(service, (*at, text), message, f"its machines are {', '.join(sorted(names))}", "warning")
    if not service.machines:
        alone = [text for text in constraints if not any(_may(node, text) for node in machines)]
        text = (alone or constraints)[0]
        what = f"no machine meets {text!r}" if alone else "no machine meets all of these constraints"
        help_ = "set the label in cluster/nodes/NAME.yaml, or change the constraint"
        yield Finding(service, (*at, text), f"{what}: the service would never run", help_)
        return
    most = ServiceSpec(service.body).most_on_a_machine
    if service.replicas is not None and most and service.replicas > most * len(service.machines):
        room = most * len(service.machines)
        message = (
            f"{service.replicas} replicas, and room for {room}: {most} on each of {len(service.machines)} machines"
        )
        yield Finding(
            service, ("deploy", "placement", "max_replicas_per_node"), message, "lower the one or raise the other"
        )


def _may(node: Node, text: str) -> bool:
    return holds(text, lambda key: _attribute(node, key)) is not False


def _volumes(services: Sequence[Placed], external: Iterable[str]) -> Iterator[Finding]:
    """An external volume of two stacks that can never be on one machine: with the local driver it is two volumes."""
    for name in sorted(set(external)):
        using = [one for one in services if any(mount.get("Source") == name for mount in ServiceSpec(one.body).mounts)]
        for index, one in enumerate(using):
            apart = next((other for other in using[:index] if not one.machines & other.machines), None)
            if apart is not None and one.machines and apart.machines:
                message = f"the volume {name} is used by {apart.full} too, which never runs on the same machine"
                help_ = "with the local driver these are two volumes: place both on one machine"
                yield Finding(one, ("volumes", name), message, help_, "warning")


def _privileges(service: Placed, severity: Literal["error", "warning"]) -> Iterator[Finding]:
    """What would let a service take over its machine (policy: privileged)."""
    help_ = "policy: {privileged: allow} in cluster.yaml says that this is meant"
    spec = ServiceSpec(service.body)
    for mount in spec.mounts:
        source = str(mount.get("Source", "")).rstrip("/") or "/"
        if mount.get("Type") != "bind":
            continue
        if source in _SOCKETS:
            yield Finding(service, ("volumes", source), "whoever has the engine's socket is root", help_, severity)
        elif source == "/" or (
            not mount.get("ReadOnly") and any(source == one or source.startswith(f"{one}/") for one in _SYSTEM)
        ):
            yield Finding(service, ("volumes", source), f"{source} is the machine's own", help_, severity)
    for capability in spec.container.get("CapabilityAdd") or ():
        if capability in {"ALL", "CAP_ALL", "SYS_ADMIN", "CAP_SYS_ADMIN"}:
            yield Finding(service, ("cap_add",), f"{capability} is as good as root on the machine", help_, severity)
