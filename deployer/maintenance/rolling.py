"""Machines restarted and upgraded: at once, or one after the other without losing what they run."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Literal

from deployer.diff.change import Blocked
from deployer.docker import Engine
from deployer.errors import DeployerError
from deployer.model.observed import Engine as LiveEngine
from deployer.model.observed import Unreachable
from deployer.plan.maintenance import Manner, RestartMachine, UpgradeEngine, Work, maintenance_plan
from deployer.plan.outcome import Done
from deployer.plan.tls import ListenTls
from deployer.remote.together import together
from deployer.startup import defer_imports
from deployer.workflow.maintain import Seen, Terms, check_names, maintain, read_desired, takes_consul_away

if TYPE_CHECKING:
    from collections.abc import Sequence

    from deployer.model.cluster import Cluster, Node
    from deployer.plan.outcome import Report
    from deployer.plan.steps import Plan
    from deployer.workflow.run import Audience
    from deployer.workflow.validate import Source

with defer_imports():
    from deployer.execute import packages as execute_packages


TERMINAL = frozenset({"complete", "shutdown", "failed", "rejected", "remove", "orphaned"})


@dataclass(frozen=True)
class Request:
    """Which machines, and how."""

    names: tuple[str, ...]
    manner: Manner
    back_seconds: float = 300.0
    """How long a machine may take until it is back."""


async def restart(
    source: Source, request: Request, what: Literal["machine", "engine"], audience: Audience, terms: Terms
) -> Report:
    """Reboot machines, or restart their engines. Raises what `maintain` raises; UsageError for names that are none."""
    desired = read_desired(source)
    names = check_names(desired.cluster, request.names)

    async def decide(seen: Seen) -> Plan:
        works = [Work(name, (RestartMachine(name, what, request.back_seconds),)) for name in names]
        plan = maintenance_plan(seen.desired, seen.observed, await tasks_of(seen), works, request.manner)
        plan = replace(plan, purpose=f"restart {'the engine of ' if what == 'engine' else ''}{', '.join(names)}")
        return add_obstacles(plan, [_here(node) for node in _nodes(seen, names) if node.local and what == "machine"])

    return await maintain(source, desired, decide, audience, spare_consul(terms, desired.cluster, names))


async def upgrade(source: Source, request: Request, audience: Audience, terms: Terms) -> Report:
    """Upgrade the engine's packages where there are newer ones; a machine that has the newest is left alone."""
    desired = read_desired(source)
    names = check_names(desired.cluster, request.names)
    found: dict[str, Work | Blocked | None] = {}

    async def decide(seen: Seen) -> Plan:
        missing = [node for node in _nodes(seen, names) if node.name not in found]
        if missing:
            seen.say(f"asking for newer packages on {', '.join(node.name for node in missing)}")
        async with together() as group:
            looks = {node.name: group.create_task(_newer(seen, node)) for node in missing}
        found.update({name: look.result() for name, look in looks.items()})
        works = [work for name in names if isinstance(work := found[name], Work)]
        plan = maintenance_plan(seen.desired, seen.observed, await tasks_of(seen), works, request.manner)
        newest = [name for name in names if found[name] is None]
        nothing = f"{', '.join(newest)} {'has' if len(newest) == 1 else 'have'} the newest packages"
        plan = replace(plan, purpose=nothing if len(newest) == len(names) else f"upgrade {', '.join(names)}")
        return add_obstacles(plan, [obstacle for name in names if isinstance(obstacle := found[name], Blocked)])

    return await maintain(source, desired, decide, audience, spare_consul(terms, desired.cluster, names))


async def tasks_of(seen: Seen) -> dict[str, tuple[str, ...]]:
    """Ids of members, and the names of the services that have a task there; one request to a manager."""
    swarm = seen.observed.swarm
    if swarm is None:
        return {}
    names = {service.id: service.name for service in swarm.services}
    engine = Engine(await seen.link.to(swarm.via))
    try:
        tasks = await engine.get("/tasks")
    finally:
        engine.close()
    found: dict[str, set[str]] = {}
    for task in tasks:
        if task["Status"]["State"] not in TERMINAL and task.get("NodeID"):
            found.setdefault(task["NodeID"], set()).add(names.get(task["ServiceID"], task["ServiceID"]))
    return {member: tuple(sorted(services)) for member, services in found.items()}


async def _newer(seen: Seen, node: Node) -> Work | Blocked | None:
    """The upgrade that the machine needs; None where it has the newest packages, Blocked where that cannot be told."""
    machine = seen.observed.machines[node.name]
    if isinstance(machine, Unreachable):
        return Blocked(node.name, machine.reason, machine.help, unreachable=True)
    if not isinstance(machine.engine, LiveEngine):
        return Blocked(node.name, "it has no engine that answers", f"deployer machine provision {node.name}")
    if not machine.privileged:
        return Blocked(node.name, "its user is not root and sudo asks for a password", "set ssh.sudo to password")
    try:
        packages = await execute_packages.engine_packages(await seen.link.to(node.name))
    except DeployerError as error:
        return Blocked(node.name, error.message, error.help)
    engines = [package for package in packages if package[0] in {"docker.io", "docker-ce"}]
    if not engines:
        return Blocked(node.name, "its engine comes from no package that deployer knows", "upgrade it there by hand")
    newer = [package for package in packages if package[1] != package[2]]
    if not newer and machine.engine.version not in engines[0][1]:  # an upgrade that was cut off before the restart
        package, installed, _ = engines[0]
        return Work(node.name, (UpgradeEngine(node.name, (package,), machine.engine.version, installed),))
    if not newer:
        return None
    shown = next((package for package in newer if package in engines), newer[0])
    return Work(node.name, (UpgradeEngine(node.name, tuple(one[0] for one in newer), shown[1], shown[2]),))


def _nodes(seen: Seen, names: Sequence[str]) -> list[Node]:
    return [seen.desired.cluster.node(name) for name in names]


def _here(node: Node) -> Blocked:
    return Blocked(node.name, "it is the machine that deployer runs on", "reboot it yourself, or restart --engine")


def add_obstacles(plan: Plan, obstacles: Sequence[Blocked]) -> Plan:
    """No step at all where there are obstacles; they are named."""
    if not obstacles:
        return plan
    blocked = tuple({(one.subject, one.reason): one for one in (*plan.blocked, *obstacles)}.values())
    return replace(plan, steps=(), blocked=blocked)


def spare_consul(terms: Terms, cluster: Cluster, names: Sequence[str]) -> Terms:
    """Leave Consul's lock alone if one of its servers is among the machines."""
    return replace(terms, alone=takes_consul_away(cluster, names))


def left_over(report: Report) -> list[str]:
    """The machines whose work was not done, in the order of the plan."""
    return [
        operation.node
        for step in report.plan.steps
        if isinstance(operation := step.operation, RestartMachine | UpgradeEngine | ListenTls)
        and not isinstance(report.outcome(step), Done)
    ]
