"""Steps of stacks: what services refer to, the services, and the wait for them. Changes in, steps onto the draft."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from deployer.diff.change import (
    Diff,
    ObjectMissing,
    ServiceDiffers,
    ServiceMissing,
    ServiceReplaced,
    ServiceUnsettled,
)
from deployer.diff.services import references, was_well
from deployer.model import labels
from deployer.plan.builds import build_steps
from deployer.plan.operations import (
    AwaitServices,
    Back,
    CreateObject,
    CreateService,
    ReplaceService,
    RollBackStack,
    UpdateService,
)
from deployer.plan.removals import rooms

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from deployer.diff.change import Cause
    from deployer.model.stack import Dependency, StackObjects, StackSource
    from deployer.plan.draft import Draft

Written = ServiceMissing | ServiceDiffers | ServiceReplaced


def object_steps(draft: Draft, stack: str, diff: Diff, machines: tuple[int, ...]) -> None:
    """One stack's networks, configs and secrets: they are there before the first service of any stack."""
    for change in diff.changes:
        if isinstance(change, ObjectMissing) and change.stack == stack:
            operation = CreateObject(change.kind, change.stack, change.name, change.body)
            made = (change.kind, change.name)
            needs = [("swarm", "")]
            draft.add(operation, change.cause, change.fields, makes=made, needs=needs, follows=machines)


def service_steps(
    draft: Draft,
    source: StackSource,
    after: Sequence[str],
    objects: StackObjects,
    diff: Diff,
    machines: tuple[int, ...],
    *,
    all_ready: bool = True,
) -> None:
    """One stack's services, and one wait for all of them, once the stacks `after` are healthy.

    A service that others wait for (`depends_on` with a condition) has a wait of its own before them, where this plan
    changes it or it is not settled.
    """
    services, unsettled = _changes(diff, source.name)
    work = _Work(draft, source, services, {change.name for change in unsettled}, all_ready)
    work.before = [number for name in after for number in draft.stacks.get(name, ())]
    work.follows = machines
    work.images = build_steps(draft, source, diff, machines)
    dependencies: dict[str, list[Dependency]] = {}
    for dependency in objects.order:
        dependencies.setdefault(dependency.service, []).append(dependency)
    edges = {name: [one.on for one in found] for name, found in dependencies.items()}
    for name in _sorted_by({*services, *(str(body["Name"]) for body in objects.services)}, edges):
        if name in services:
            work.write(name, [one for each in (name, *_all_of(name, edges)) for one in dependencies.get(each, ())])
    work.end(unsettled[0].cause if unsettled and not services else None)


def _changes(diff: Diff, stack: str) -> tuple[dict[str, Written], list[ServiceUnsettled]]:
    of_stack = [change for change in diff.changes if change.stack == stack]
    written = {change.name: change for change in of_stack if isinstance(change, Written)}
    return written, [change for change in of_stack if isinstance(change, ServiceUnsettled)]


@dataclass
class _Work:
    """One stack's part of the draft while it is made."""

    draft: Draft
    source: StackSource
    services: Mapping[str, Written]
    unsettled: set[str]
    all_ready: bool
    before: Sequence[int] = ()
    follows: Sequence[int] = ()
    images: Mapping[str, Sequence[tuple[str, str]]] = field(default_factory=dict)
    """What each service's image needs before it is where it may run."""
    last: dict[str, int] = field(default_factory=dict)
    """The last step of each service that is written or waited for."""
    steps: list[int] = field(default_factory=list)

    def write(self, name: str, dependencies: Sequence[Dependency]) -> None:
        """The service, once what it depends on is there; `dependencies` are its own and, below those, theirs."""
        change = self.services[name]
        needed, follows = set(self.before), set(self.follows)
        for one in dependencies:
            waited = self._wait_for(one) if one.service == name else self.draft.made.get(("service", one.on))
            if waited and one.on != name:
                (needed if one.required else follows).add(waited)
        needs = [("swarm", ""), *references(change.body), *rooms(self.draft, name), *self.images.get(name, ())]
        if isinstance(change, ServiceReplaced) and change.network:
            # It was taken down for its network: whatever else fails, it is brought up again.
            follows |= {*needed, *self.draft.numbers(*needs)}
            needed, needs = set(), [("room", f"{change.network} {name}")]
        self.last[name] = self.draft.add(
            _operation(change),
            change.cause,
            change.fields if not isinstance(change, ServiceMissing) else (),
            effect=change.effect if isinstance(change, ServiceDiffers) else None,
            makes=("service", name),
            needs=needs,
            needed=tuple(needed),
            follows=tuple(follows),
        )
        self.steps.append(self.last[name])

    def _wait_for(self, one: Dependency) -> int | None:
        """The step after which the dependency is as the condition says; None where that is so already."""
        if one.condition == "started":
            return self.draft.made.get(("service", one.on))
        if one.on not in self.services and one.on not in self.unsettled:
            return None
        key = (one.condition, one.on)
        if key not in self.draft.made:
            until, written = one.condition, self.draft.made.get(("service", one.on))
            operation = AwaitServices(
                self.source.name, (one.on,), self.seconds, until, self._back(one.on), hasty=self.hasty
            )
            self.last[one.on] = self.draft.add(
                operation,
                None,
                makes=key,
                needs=[("swarm", "")],
                needed=[written] if written else self.before,
                follows=self.follows,
            )
            self.steps.append(self.last[one.on])
        return self.draft.made[key]

    def end(self, cause: Cause | None) -> None:
        """The wait for all of them, and what is done where one of them failed."""
        waited = tuple(sorted({*self.services, *self.unsettled}))
        if waited:
            self.steps.append(
                self.draft.add(
                    AwaitServices(self.source.name, waited, self.seconds, "running", self._back(*waited), self.hasty),
                    cause,
                    needs=[("swarm", "")],
                    needed=self.before,
                    follows=self.follows,
                    any_of=[] if self.unsettled - self.last.keys() else tuple(self.last.values()),
                )
            )
            self.draft.stacks[self.source.name] = tuple(self.steps)
        if self.hasty and self.services:
            created = sorted(name for name, change in self.services.items() if isinstance(change, ServiceMissing))
            back = tuple(one for name in sorted(self.services) if (one := self._seen(name)))
            operation = RollBackStack(self.source.name, self.seconds, back, tuple(created))
            self.draft.add(operation, None, rescues=self.steps)

    @property
    def seconds(self) -> float:
        return self.source.settings.wait_seconds

    @property
    def hasty(self) -> bool:
        return self.source.settings.on_failure == "rollback-stack"

    def _back(self, *names: str) -> tuple[Back, ...]:
        if self.source.settings.on_failure != "rollback":
            return ()
        return tuple(one for name in names if (one := self._seen(name)))

    def _seen(self, name: str) -> Back | None:
        """What ran well when the plan was made; of what runs once and ends there is nothing to go back to."""
        change = self.services.get(name)
        if (
            not isinstance(change, ServiceDiffers)
            or change.seen.finite
            or not was_well(change.seen, ready=self.all_ready)
        ):
            return None
        return Back(name, change.seen, str(change.body["Labels"][labels.HASH]))


def _operation(change: Written) -> CreateService | UpdateService | ReplaceService:
    match change:
        case ServiceDiffers():
            return UpdateService(change.stack, change.name, change.body, change.seen)
        case ServiceReplaced(network=""):
            return ReplaceService(change.stack, change.name, change.body, change.seen)
        case ServiceMissing() | ServiceReplaced():
            return CreateService(change.stack, change.name, change.body)


def in_order(stacks: Sequence[StackSource]) -> list[tuple[StackSource, list[str]]]:
    """Every stack with the names of all that come before it, directly or not; those come first, ties by name."""
    by_name = {stack.name: stack for stack in stacks}
    after = {stack.name: list(stack.settings.after) for stack in stacks}
    return [(by_name[name], _all_of(name, after)) for name in _sorted_by(by_name, after)]


def _sorted_by(names: Iterable[str], dependencies: Mapping[str, Sequence[str]]) -> list[str]:
    """`names` with dependencies first, ties by name. A cycle (refused by validation) would end in name order."""
    done: list[str] = []
    waiting = sorted(names)
    while waiting:
        ready = [name for name in waiting if not set(dependencies.get(name, ())) & (set(waiting) - {name})]
        done += ready or waiting
        waiting = [name for name in waiting if name not in done]
    return done


def _all_of(name: str, dependencies: Mapping[str, Sequence[str]]) -> list[str]:
    """What `name` depends on, and what that depends on, and so on: one in the middle may need no change."""
    found: list[str] = []
    waiting = list(dependencies.get(name, ()))
    while waiting:
        if (dependency := waiting.pop()) not in (*found, name):
            found.append(dependency)
            waiting += dependencies.get(dependency, ())
    return sorted(found)
