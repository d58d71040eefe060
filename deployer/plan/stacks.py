"""Stacks: what services refer to, the services, and the wait for them."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal

from deployer.model import labels
from deployer.model.amounts import plural
from deployer.model.spec import ServiceSpec
from deployer.model.subject import OfStack
from deployer.plan.images import build_steps
from deployer.startup import defer_imports

with defer_imports():
    from deployer.diff import seen as diff_seen
    from deployer.diff import stacks as diff_stacks

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from deployer.diff.cause import Cause
    from deployer.diff.change import Diff
    from deployer.diff.stacks import ServiceUnsettled, Written
    from deployer.model.observed import LiveService
    from deployer.model.stack import Body, Dependency, StackObjects, StackSource
    from deployer.plan.draft import Draft
    from deployer.plan.steps import Mark


@dataclass(frozen=True)
class CreateObject(OfStack):
    kind: Literal["network", "config", "secret"]
    stack: str
    name: str
    body: Mapping[str, Any]


@dataclass(frozen=True)
class CreateService(OfStack):
    stack: str
    name: str
    body: Mapping[str, Any]


@dataclass(frozen=True)
class UpdateService(OfStack):
    """Replace the spec that the plan saw (`seen`): if the live one is another by then, the step fails and nothing is written."""

    stack: str
    name: str
    body: Mapping[str, Any]
    seen: LiveService


@dataclass(frozen=True)
class Back:
    """A service and the spec that it goes back to: the one that the plan saw running well."""

    service: str
    seen: LiveService
    sent: str
    """`deployer.hash` of what this run makes of it: over anything else nothing is written."""


@dataclass(frozen=True)
class ReplaceService(OfStack):
    """Remove the service that the plan saw, wait until its tasks are gone, create it anew."""

    stack: str
    name: str
    body: Mapping[str, Any]
    seen: LiveService


@dataclass(frozen=True)
class RemoveService(OfStack):
    """Remove the service that the plan saw, and wait until its tasks are gone: what they use cannot go before.

    `until` is the network that is replaced, where the service is made anew after that; empty where it goes for good.
    """

    stack: str
    name: str
    seen: LiveService
    until: str = ""


@dataclass(frozen=True)
class ReplaceNetwork(OfStack):
    """Remove the network that the plan saw, and create it with other options."""

    stack: str
    name: str
    id: str
    body: Mapping[str, Any]


@dataclass(frozen=True)
class RemoveObject(OfStack):
    kind: Literal["network", "config", "secret"]
    stack: str
    name: str
    id: str


@dataclass(frozen=True)
class AwaitServices(OfStack):
    """Wait until the services' tasks run (and are healthy, where they have a check) or, `completed`, have ended well.

    `timeout` in seconds, from when the stack is first waited for. One that fails goes back to what `back` has for it, while the
    others are waited for; `hasty` ends at the first that fails.
    """

    stack: str
    services: tuple[str, ...]
    timeout: float
    until: Literal["running", "healthy", "completed"] = "running"
    back: tuple[Back, ...] = ()
    hasty: bool = False


@dataclass(frozen=True)
class RollBackStack(OfStack):
    """All that this run changed of a stack goes back to what the plan saw: updated services to their specs, new ones are removed."""

    stack: str
    timeout: float
    back: tuple[Back, ...]
    created: tuple[str, ...] = ()


StackOperation = (
    CreateObject
    | CreateService
    | UpdateService
    | ReplaceService
    | RemoveService
    | ReplaceNetwork
    | RemoveObject
    | AwaitServices
    | RollBackStack
)


def mark(operation: StackOperation) -> Mark:
    match operation:
        case CreateObject() | CreateService():
            return "+"
        case UpdateService():
            return "~"
        case RemoveService() | RemoveObject():
            return "-"
        case ReplaceService() | ReplaceNetwork():
            return "-/+"
        case AwaitServices() | RollBackStack():
            return "."


def describe(operation: StackOperation) -> tuple[str, str]:
    match operation:
        case CreateObject(kind=kind, name=name):
            told = name, f"create {kind}"
        case CreateService(name=name, body=body):
            told = name, f"create service, {_count(body)}"
        case UpdateService(name=name, body=body):
            told = name, f"update service, {_count(body)}"
        case ReplaceService(name=name, body=body, seen=seen):
            told = name, f"replace service, {_tasks(seen)} stop before {_count(body)} start"
        case RemoveService(name=name, seen=seen, until=until):
            replaced = f" until {until} is replaced" if until else ""
            told = name, f"remove service and its {_tasks(seen)}{replaced}"
        case ReplaceNetwork(name=name):
            told = name, "replace network"
        case RemoveObject(kind=kind, name=name):
            told = name, f"remove {kind}"
        case AwaitServices(stack, services, timeout, until=until):
            ends = {"running": "", "healthy": " to be healthy", "completed": " to complete"}
            told = stack, f"wait up to {timeout:.0f} s for {', '.join(services)}{ends[until]}"
        case RollBackStack(stack):
            told = stack, "where one of them fails, the whole stack goes back"
    return told


def on_failure(operation: StackOperation) -> list[str]:
    """What a wait does about services that fail, a line each."""
    match operation:
        case AwaitServices(back=back):
            return [f"on failure: {one.service} back to {back_text(one)}" for one in back]
        case RollBackStack(back=back, created=created):
            return [
                *(f"{one.service} to {back_text(one)}" for one in back),
                *(f"{name} is removed" for name in created),
            ]
        case _:
            return []


def back_text(back: Back) -> str:
    """`image app:1.4, 3 replicas`"""
    return f"{image_text(back)}, {_count(back.seen.spec)}"


def image_text(back: Back) -> str:
    """`image app:1.4`"""
    return "image " + ServiceSpec(back.seen.spec).image.partition("@")[0]


def _tasks(seen: LiveService) -> str:
    return plural(seen.wanted, "task")


def _count(body: Body) -> str:
    spec = ServiceSpec(body)
    if spec.job:
        return "a job"
    return "one on every machine" if spec.count is None else plural(spec.count, "replica")


def object_steps(draft: Draft, stack: str, diff: Diff, machines: tuple[int, ...]) -> None:
    """Add the steps that create one stack's networks, configs and secrets; they come before the services of all stacks."""
    for change in diff.changes:
        if isinstance(change, diff_stacks.ObjectMissing) and change.stack == stack:
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
    """Add the steps for one stack's services and one wait for all of them, after the stacks `after` are healthy.

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
    written = {change.name: change for change in of_stack if isinstance(change, diff_stacks.Written)}
    return written, [change for change in of_stack if isinstance(change, diff_stacks.ServiceUnsettled)]


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
        """Add the service's step after those that it depends on; `dependencies` are its own and, indirectly, theirs."""
        change = self.services[name]
        needed, follows = set(self.before), set(self.follows)
        for one in dependencies:
            waited = self._wait_for(one) if one.service == name else self.draft.made.get(("service", one.on))
            if waited and one.on != name:
                (needed if one.required else follows).add(waited)
        needs = [
            ("swarm", ""),
            *diff_seen.references(change.body),
            *rooms(self.draft, name),
            *self.images.get(name, ()),
        ]
        if isinstance(change, diff_stacks.ServiceReplaced) and change.network:
            # It was taken down for its network: whatever else fails, it is brought up again.
            follows |= {*needed, *self.draft.numbers(*needs)}
            needed, needs = set(), [("room", f"{change.network} {name}")]
        self.last[name] = self.draft.add(
            _operation(change),
            change.cause,
            change.fields if not isinstance(change, diff_stacks.ServiceMissing) else (),
            effect=change.effect if isinstance(change, diff_stacks.ServiceDiffers) else None,
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
            created = sorted(
                name for name, change in self.services.items() if isinstance(change, diff_stacks.ServiceMissing)
            )
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
            not isinstance(change, diff_stacks.ServiceDiffers)
            or change.seen.finite
            or not diff_seen.was_well(change.seen, ready=self.all_ready)
        ):
            return None
        return Back(name, change.seen, str(change.body["Labels"][labels.HASH]))


def _operation(change: Written) -> CreateService | UpdateService | ReplaceService:
    match change:
        case diff_stacks.ServiceDiffers():
            return UpdateService(change.stack, change.name, change.body, change.seen)
        case diff_stacks.ServiceReplaced(network=""):
            return ReplaceService(change.stack, change.name, change.body, change.seen)
        case diff_stacks.ServiceMissing() | diff_stacks.ServiceReplaced():
            return CreateService(change.stack, change.name, change.body)


def in_order(stacks: Sequence[StackSource]) -> list[tuple[StackSource, list[str]]]:
    """The stacks in their order, ties by name; each with the names of all stacks that come before it, directly or not."""
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


def rooms(draft: Draft, name: str) -> list[tuple[str, str]]:
    """The steps so far that make room for a service or network of that name."""
    return [key for key in draft.made if key[0] == "room" and key[1].partition(" ")[0] == name]
