"""Changes in, plan out. Pure, and the same for the same input, byte for byte.

Order: engines, daemon.json, swarm, Consul, registration; then networks, configs and secrets, services in `depends_on`
order, the wait for them, stack after stack as `after` says. Machines are prepared side by side; stacks too, where
nothing orders them.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from deployer.diff.change import (
    Cause,
    Change,
    ContainerDiffers,
    DaemonJson,
    Diff,
    EngineMissing,
    Field,
    MemberDiffers,
    NoSwarm,
    NotMember,
    NotRegistered,
    ObjectMissing,
    ServiceDiffers,
    ServiceMissing,
    ServiceUnsettled,
)
from deployer.plan.operations import (
    AwaitConsul,
    AwaitServices,
    CreateObject,
    CreateService,
    InitSwarm,
    InstallEngine,
    JoinSwarm,
    Operation,
    RegisterNode,
    RunContainer,
    UpdateMember,
    UpdateService,
    WriteDaemonJson,
)
from deployer.plan.steps import Plan, Step

if TYPE_CHECKING:
    from collections.abc import Sequence

    from deployer.model.desired import Desired
    from deployer.model.observed import Observed
    from deployer.model.stack import StackObjects, StackSource

CONSUL_TIMEOUT: Final = 60.0
"""Seconds that Consul's server may take to elect itself; it takes 2 to 10 in practice."""


def build_plan(diff: Diff, desired: Desired, objects: Sequence[StackObjects], observed: Observed) -> Plan:
    """The ordered steps for all changes of `diff`."""
    building = _Building()
    manager = _manager(diff, observed)
    _engines(building, diff)
    _swarm(building, diff, manager)
    _catalogue(building, diff, desired)
    machines = tuple(step.number for step in building.steps)
    orders = {stack.stack: stack for stack in objects}
    for source in _in_order(desired.stacks):
        if source.name in orders:
            _stack(building, source, orders[source.name], diff, machines)
    return Plan(desired.cluster.name, desired.commit, tuple(building.steps), diff.blocked, diff.unchanged, manager)


@dataclass
class _Building:
    """Steps so far, and by what a later step may need: ("engine", node), ("network", name), ("stack", name), ..."""

    steps: list[Step] = field(default_factory=list)
    made: dict[tuple[str, str], int] = field(default_factory=dict)

    def add(
        self,
        operation: Operation,
        cause: Cause | None,
        fields: tuple[Field, ...] = (),
        *,
        makes: tuple[str, str] | None = None,
        needs: Sequence[tuple[str, str]] = (),
        follows: Sequence[int] = (),
    ) -> int:
        number = len(self.steps) + 1
        needed = tuple(sorted({self.made[key] for key in needs if key in self.made}))
        self.steps.append(Step(number, operation, cause, fields, needed, tuple(sorted(set(follows) - set(needed)))))
        if makes:
            self.made[makes] = number
        return number


def _manager(diff: Diff, observed: Observed) -> str:
    """The machine through which the swarm is spoken to: the one that was asked, or the one that will start it."""
    if observed.swarm:
        return observed.swarm.via
    return next((change.node for change in diff.changes if isinstance(change, NoSwarm)), "")


def _engines(building: _Building, diff: Diff) -> None:
    """daemon.json before an engine that is yet to be installed, so that its first start is the right one; after it else."""
    for change in diff.changes:
        if isinstance(change, DaemonJson):
            operation = WriteDaemonJson(change.node, change.text, change.effect)
            building.add(operation, change.cause, change.fields, makes=("engine", change.node))
    for change in diff.changes:
        if isinstance(change, EngineMissing):
            key = ("engine", change.node)
            building.add(InstallEngine(change.node, change.method), change.cause, makes=key, needs=[key])


def _swarm(building: _Building, diff: Diff, manager: str) -> None:
    swarm = ("swarm", "")
    for change in diff.changes:
        if isinstance(change, NoSwarm):
            key = ("member", change.node)
            number = building.add(
                InitSwarm(change.node, change.advertise), change.cause, makes=key, needs=[("engine", change.node)]
            )
            building.made[swarm] = number
    for change in diff.changes:
        if isinstance(change, NotMember):
            building.add(
                JoinSwarm(change.node, change.role, change.advertise, manager),
                change.cause,
                makes=("member", change.node),
                needs=[swarm, ("engine", change.node)],
            )
    # Promotions before demotions: the number of managers never goes below what it was or will be.
    members = [change for change in diff.changes if isinstance(change, MemberDiffers)]
    promotions: list[int] = []
    for change in sorted(members, key=lambda change: (change.role != "manager", change.node)):
        update = UpdateMember(change.node, manager, change.role, change.availability, change.labels)
        needs = [("member", change.node), swarm]
        number = building.add(
            update, change.cause, change.fields, needs=needs, follows=() if change.role == "manager" else promotions
        )
        if change.role == "manager":
            promotions.append(number)


def _catalogue(building: _Building, diff: Diff, desired: Desired) -> None:
    consul = ("consul", "")
    servers = [node.name for node in desired.cluster.nodes if node.consul_server]
    for change in diff.changes:
        if isinstance(change, ContainerDiffers):
            run = RunContainer(change.node, change.name, change.image, change.body)
            container = ("container", change.node)
            building.add(run, change.cause, makes=container, needs=[("engine", change.node)])
            building.add(AwaitConsul(change.node, CONSUL_TIMEOUT), None, makes=consul, needs=[container])
    for change in diff.changes:
        if isinstance(change, NotRegistered) and servers:
            building.add(
                RegisterNode(change.node, servers[0], change.address, change.meta),
                change.cause,
                change.fields,
                needs=[consul, ("engine", change.node)],
            )


def _stack(
    building: _Building, source: StackSource, objects: StackObjects, diff: Diff, machines: tuple[int, ...]
) -> None:
    """One stack: what its services refer to, the services, and one wait for all of them."""
    before = [("swarm", ""), *(("stack", name) for name in source.settings.after)]
    of_stack = [change for change in diff.changes if _stack_of(change) == source.name]
    for change in of_stack:
        if isinstance(change, ObjectMissing):
            operation = CreateObject(change.kind, change.stack, change.name, change.body)
            building.add(operation, change.cause, makes=(change.kind, change.name), needs=before, follows=machines)
    services = [c for c in of_stack if isinstance(c, ServiceMissing | ServiceDiffers)]
    dependencies: dict[str, list[str]] = {}
    for name, dependency in objects.order:
        dependencies.setdefault(name, []).append(dependency)
    for name in _sorted_by(tuple(change.name for change in services), dependencies):
        change = next(change for change in services if change.name == name)
        needs = [*before, *_references(change), *(("service", name) for name in dependencies.get(name, ()))]
        made = ("service", name)
        if isinstance(change, ServiceDiffers):
            update = UpdateService(change.stack, name, change.body, change.seen)
            building.add(update, change.cause, change.fields, makes=made, needs=needs, follows=machines)
        else:
            building.add(
                CreateService(change.stack, name, change.body), change.cause, makes=made, needs=needs, follows=machines
            )
    unsettled = [change for change in of_stack if isinstance(change, ServiceUnsettled)]
    waited = tuple(sorted({change.name for change in (*services, *unsettled)}))
    if waited:
        wait = AwaitServices(source.name, waited, source.settings.wait_seconds)
        cause = unsettled[0].cause if unsettled and not services else None
        needs = [*before, *(("service", change.name) for change in services)]
        building.add(wait, cause, makes=("stack", source.name), needs=needs, follows=machines)


def _stack_of(change: Change) -> str:
    return (
        change.stack if isinstance(change, ObjectMissing | ServiceMissing | ServiceDiffers | ServiceUnsettled) else ""
    )


def _references(change: ServiceMissing | ServiceDiffers) -> list[tuple[str, str]]:
    """What must be there before the service: its networks, configs and secrets, whichever stack defines them."""
    template = change.body.get("TaskTemplate") or {}
    container = template.get("ContainerSpec") or {}
    return [
        *(("network", str(network["Target"])) for network in template.get("Networks") or ()),
        *(("config", str(config["ConfigName"])) for config in container.get("Configs") or ()),
        *(("secret", str(secret["SecretName"])) for secret in container.get("Secrets") or ()),
    ]


def _in_order(stacks: Sequence[StackSource]) -> list[StackSource]:
    by_name = {stack.name: stack for stack in stacks}
    after = {stack.name: list(stack.settings.after) for stack in stacks}
    return [by_name[name] for name in _sorted_by(tuple(sorted(by_name)), after)]


def _sorted_by(names: tuple[str, ...], dependencies: dict[str, list[str]]) -> list[str]:
    """`names` with dependencies first, ties by name. A cycle (refused by validation) would end in name order."""
    done: list[str] = []
    waiting = sorted(names)
    while waiting:
        ready = [name for name in waiting if not set(dependencies.get(name, ())) & (set(waiting) - {name})]
        done += ready or waiting
        waiting = [name for name in waiting if name not in done]
    return done
