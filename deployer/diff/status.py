"""Two words for every machine and stack: whether it is as git says, and whether it is well. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING

from deployer.diff.cause import Cause
from deployer.diff.gone import REMOVED
from deployer.diff.machines import advertise_address
from deployer.diff.project_status import project_status
from deployer.diff.proxy import virtual_hosts
from deployer.diff.seen import ROLLED_BACK, RUNNING_UPDATES, STALLED_UPDATES, counts_agree, seen_of
from deployer.diff.stacks import ServiceDiffers, ServiceMissing, ServiceReplaced, ServiceSurplus, ServiceUnsettled
from deployer.model.observed import Engine, LiveService, Machine, Observed, Registrations, Unreachable
from deployer.model.spec import TEMPLATE, ServiceSpec
from deployer.model.status import Health, NodeStatus, RegistratorStatus, ServiceStatus, StackStatus, Status, Sync, worst
from deployer.model.tls import ends_in

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from deployer.diff.change import Diff
    from deployer.diff.changes import Change
    from deployer.diff.seen import Seen
    from deployer.model.cluster import Cluster, Node
    from deployer.model.desired import Desired
    from deployer.model.field import Field
    from deployer.model.stack import Body, StackObjects


def status(
    desired: Desired,
    objects: Sequence[StackObjects],
    observed: Observed,
    diff: Diff,
    registrations: Mapping[str, Registrations | Unreachable] | None = None,
) -> Status:
    """The whole cluster's status. `registrations` by machine: of those whose registrator runs."""
    told = registrations or {}
    nodes = tuple(_node(desired.cluster, node, observed, diff, told.get(node.name)) for node in desired.cluster.nodes)
    seen = seen_of(observed.swarm)
    stacks = tuple(
        project_status(stack.project, observed, diff) if stack.project else _stack(stack, seen, observed, diff)
        for stack in sorted(objects, key=lambda stack: stack.stack)
    )
    stacks += _gone(diff)
    hosts = virtual_hosts(desired.cluster, objects, seen)
    return Status(desired.cluster.name, desired.commit, nodes, stacks, hosts)


def _gone(diff: Diff) -> tuple[StackStatus, ...]:
    """Stacks that live, and that git does not have any more."""
    alive: dict[str, list[ServiceStatus]] = {}
    for change in diff.changes:
        if isinstance(change, ServiceSurplus) and change.whole:
            live = change.seen
            health: Health = "Healthy" if live.finite or live.running == live.wanted else "Degraded"
            row = ServiceStatus(live.name, ServiceSpec(live.spec).image, live.running, live.wanted, "OutOfSync", health)
            alive.setdefault(change.stack, []).append(row)
    return tuple(
        StackStatus(name, tuple(rows), "OutOfSync", worst(row.health for row in rows), str(Cause.GONE))
        for name, rows in sorted(alive.items())
    )


def _node(
    cluster: Cluster, node: Node, observed: Observed, diff: Diff, registered: Registrations | Unreachable | None
) -> NodeStatus:
    machine = observed.machines[node.name]
    if isinstance(machine, Unreachable):
        return NodeStatus(node.name, node.address, "", node.role, "", None, "Unknown", "Unknown", machine.reason)
    mine = [change for change in diff.changes if change.node == node.name]
    obstacle = next((blocked for blocked in diff.blocked if blocked.subject == node.name), None)
    engine = machine.engine if isinstance(machine.engine, Engine) else None
    catalogue = None
    if cluster.consul and not isinstance(observed.catalogue, Unreachable):
        catalogue = any(entry.name == node.name for entry in observed.catalogue or ())
    sync: Sync = "OutOfSync" if mine or obstacle else "Synced"
    health, note = _node_health(node, engine, observed)
    registrator = _registrator(registered) if cluster.registrator else None
    if health == "Healthy" and registrator and registrator.behind:
        health, note = "Progressing", _behind(registrator)
    return NodeStatus(
        node.name,
        node.address,
        advertise_address(node, machine) or "",
        node.role,
        engine.version if engine else "",
        catalogue,
        sync,
        health,
        obstacle.reason if obstacle else "; ".join(part for part in (note, _ending(node, machine)) if part),
        registrator,
    )


def _ending(node: Node, machine: Machine) -> str:
    """That the certificate of an engine that listens for TLS ends, from some time before on."""
    said = ends_in(machine.tls.left) if machine.tls else ""
    return f"{said}: deployer machine regenerate-certs {node.name}" if said else ""


def _registrator(registered: Registrations | Unreachable | None) -> RegistratorStatus:
    if isinstance(registered, Registrations):
        return RegistratorStatus(True, registered.instances, registered.missing, registered.stale)
    return RegistratorStatus(registered is not None)


def _behind(registrator: RegistratorStatus) -> str:
    missing, stale = registrator.missing, registrator.stale
    parts = [f"not in Consul: {', '.join(missing)}"] if missing else []
    return "; ".join([*parts, f"in Consul and gone: {', '.join(stale)}"] if stale else parts)


def _node_health(node: Node, engine: Engine | None, observed: Observed) -> tuple[Health, str]:
    if engine is None:
        return "Missing", "no Docker engine answers there"
    if node.role == "none":
        return "Healthy", ""
    if observed.swarm is None and engine.membership.state != "inactive":
        return "Unknown", "no manager could be asked"
    members = observed.members
    member = next((member for member in members if member.id == engine.membership.node_id), None)
    if member is None:
        return "Missing", "not in the swarm"
    if member.state != "ready":
        return "Degraded", f"the swarm says: {member.state}"
    return ("Healthy", "") if member.availability == "active" else ("Suspended", member.availability)


def _stack(stack: StackObjects, seen: Seen, observed: Observed, diff: Diff) -> StackStatus:
    mine = [change for change in diff.changes if change.stack == stack.stack]
    if observed.swarm is None and not mine:
        unknown = tuple(
            ServiceStatus(str(body["Name"]), ServiceSpec(body).image, 0, 0, "Unknown", "Unknown")
            for body in stack.services
        )
        return StackStatus(stack.stack, unknown, "Unknown", "Unknown", "no manager could be asked")
    obstacles = {blocked.subject: blocked.reason for blocked in diff.blocked}
    drifted = _drifted(stack.stack, mine, diff)
    services = tuple(_service(body, seen, mine, obstacles, drifted) for body in stack.services)
    named = [
        f"stack {stack.stack}",
        *(f"network {body['Name']}" for body in stack.networks),
        *(f"config {body['Name']}" for body in stack.configs),
        *(f"secret {body['Name']}" for body in stack.secrets),
        *(f"service {body['Name']}" for body in stack.services),
    ]
    notes = [obstacles[subject] for subject in named if subject in obstacles]
    out_of_sync = notes or drifted or any(_is_difference(change) for change in mine)
    sync: Sync = "OutOfSync" if out_of_sync else "Synced"
    return StackStatus(
        stack.stack, services, sync, worst(service.health for service in services), notes[0] if notes else ""
    )


def _is_difference(change: Change) -> bool:
    """Whether it is about what is defined, not about whether the tasks run."""
    return not isinstance(change, ServiceUnsettled) and change.cause is not Cause.NOT_HEALTHY


def _drifted(stack: str, mine: Sequence[Change], diff: Diff) -> dict[str, tuple[Field, ...]]:
    """By service, what somebody changed by hand: what will be set back, then what will be left."""
    found: dict[str, tuple[Field, ...]] = {}
    for change in mine:
        if isinstance(change, ServiceDiffers) and (fields := tuple(field for field in change.fields if field.drifted)):
            found[change.name] = fields
        elif isinstance(change, ServiceMissing) and change.cause is Cause.DRIFTED:
            found[change.name] = (REMOVED,)
    for left in diff.drifted:
        if left.stack == stack:
            found[left.name] = (*found.get(left.name, ()), *left.fields)
    return found


def _service(
    body: Body,
    seen: Seen,
    changes: Sequence[Change],
    obstacles: Mapping[str, str],
    drifted: Mapping[str, tuple[Field, ...]],
) -> ServiceStatus:
    name = str(body["Name"])
    live = seen.services.get(name)
    obstacle = obstacles.get(f"service {name}", "")
    drift = drifted.get(name, ())
    if live is None:
        note = obstacle or ("removed by hand" if drift else "")
        return ServiceStatus(name, ServiceSpec(body).image, 0, 0, "OutOfSync", "Missing", note, drift)
    differs = bool(obstacle) or any(
        isinstance(change, ServiceDiffers | ServiceReplaced) and change.name == name and _is_difference(change)
        for change in changes
    )
    health, note = _service_health(live, differs=differs, ready=seen.all_ready)
    sync: Sync = "OutOfSync" if differs or drift else "Synced"
    said = [note] if note else []
    said += [f"drifted: {', '.join(_paths(drift))}"] if drift else []
    return ServiceStatus(
        name,
        ServiceSpec(body).image,
        live.running + live.completed,
        live.wanted,
        sync,
        health,
        obstacle or "; ".join(said),
        drift,
    )


def _paths(drift: Sequence[Field]) -> list[str]:
    """What drifted in few words: the last part of each path, `Replicas`, `Env.DEBUG`."""
    whole = dict.fromkeys(field.path for field in drift)
    return [path.removeprefix(f"{TEMPLATE}.").removeprefix("ContainerSpec.") for path in whole]


def _service_health(live: LiveService, *, differs: bool, ready: bool) -> tuple[Health, str]:
    """An update that was rolled back is no news once git asks for what the service went back to."""
    if live.update_state in STALLED_UPDATES or (live.update_state == ROLLED_BACK and differs):
        return "Degraded", live.update_state.replace("_", " ")
    if live.update_state in RUNNING_UPDATES:
        return "Progressing", live.update_state.replace("_", " ")
    if live.failed and not live.running:
        return "Degraded", f"{live.failed} of {live.wanted} failed"
    if not counts_agree(live, all_ready=ready):
        return "Progressing" if live.running else "Degraded", f"{live.running} of {live.wanted} running"
    return "Healthy", ""
