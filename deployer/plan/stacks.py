"""Steps of stacks: what services refer to, the services, and the wait for them. Changes in, steps onto the draft."""

from __future__ import annotations

from typing import TYPE_CHECKING

from deployer.diff.change import Change, Diff, ObjectMissing, ServiceDiffers, ServiceMissing, ServiceUnsettled
from deployer.diff.services import references
from deployer.plan.operations import AwaitServices, CreateObject, CreateService, UpdateService

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from deployer.model.stack import StackObjects, StackSource
    from deployer.plan.draft import Draft


def object_steps(draft: Draft, stack: str, diff: Diff, machines: tuple[int, ...]) -> None:
    """One stack's networks, configs and secrets: they are there before the first service of any stack."""
    for change in diff.changes:
        if isinstance(change, ObjectMissing) and change.stack == stack:
            operation = CreateObject(change.kind, change.stack, change.name, change.body)
            made = (change.kind, change.name)
            draft.add(operation, change.cause, makes=made, needs=[("swarm", "")], follows=machines)


def service_steps(
    draft: Draft,
    source: StackSource,
    after: Sequence[str],
    objects: StackObjects,
    diff: Diff,
    machines: tuple[int, ...],
) -> None:
    """One stack's services, and one wait for all of them, once the stacks `after` are healthy."""
    before = [("swarm", ""), *(("stack", name) for name in after)]
    of_stack = [change for change in diff.changes if _stack_of(change) == source.name]
    services = {change.name: change for change in of_stack if isinstance(change, ServiceMissing | ServiceDiffers)}
    dependencies: dict[str, list[str]] = {}
    for name, dependency in objects.order:
        dependencies.setdefault(name, []).append(dependency)
    every = {*services, *(str(body["Name"]) for body in objects.services)}
    for name in _sorted_by(every, dependencies):
        if name not in services:
            continue
        change = services[name]
        depends = [("service", dependency) for dependency in _all_of(name, dependencies)]
        operation: CreateService | UpdateService
        if isinstance(change, ServiceDiffers):
            operation = UpdateService(change.stack, name, change.body, change.seen)
            fields, effect = change.fields, change.effect
        else:
            operation, fields, effect = CreateService(change.stack, name, change.body), (), None
        draft.add(
            operation,
            change.cause,
            fields,
            effect=effect,
            makes=("service", name),
            needs=[*before, *references(change.body), *depends],
            follows=machines,
        )
    unsettled = [change for change in of_stack if isinstance(change, ServiceUnsettled)]
    waited = tuple(sorted({*services, *(change.name for change in unsettled)}))
    if waited:
        wait = AwaitServices(source.name, waited, source.settings.wait_seconds)
        cause = unsettled[0].cause if unsettled and not services else None
        needs = [*before, *(("service", name) for name in services)]
        draft.add(wait, cause, makes=("stack", source.name), needs=needs, follows=machines)


def _stack_of(change: Change) -> str:
    return (
        change.stack if isinstance(change, ObjectMissing | ServiceMissing | ServiceDiffers | ServiceUnsettled) else ""
    )


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
