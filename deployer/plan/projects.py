"""Stacks in compose mode."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from deployer.diff.cause import Cause
from deployer.model.subject import OfStack
from deployer.startup import defer_imports

with defer_imports():
    from deployer.diff import projects as diff_projects

if TYPE_CHECKING:
    from collections.abc import Sequence

    from deployer.diff.change import Diff
    from deployer.model.project import Project
    from deployer.model.stack import StackSource
    from deployer.plan.draft import Draft
    from deployer.plan.steps import Mark


@dataclass(frozen=True)
class ComposeUp(OfStack):
    """`docker compose up` on a machine, and the wait for its containers; `first`: nothing of it is there."""

    stack: str
    machine: str
    project: Project
    timeout: float
    first: bool


@dataclass(frozen=True)
class ComposeDown(OfStack):
    """Remove a project's containers and networks from a machine, as far as they are `cluster`'s; volumes stay."""

    stack: str
    machine: str
    cluster: str


ProjectOperation = ComposeUp | ComposeDown


def mark(operation: ProjectOperation) -> Mark:
    match operation:
        case ComposeUp(first=True):
            return "+"
        case ComposeUp():
            return "~"
        case ComposeDown():
            return "-"


def describe(operation: ProjectOperation) -> tuple[str, str]:
    match operation:
        case ComposeUp(machine=machine, project=project, timeout=timeout):
            counts = ", ".join(f"{service.name} {service.count}" for service in project.services)
            words = f"docker compose up on {machine}: {counts}; wait up to {timeout:.0f} s"
        case ComposeDown(machine=machine):
            words = f"remove the compose project from {machine}; its volumes stay"
    return operation.stack, words


def project_steps(
    draft: Draft, source: StackSource, after: Sequence[str], diff: Diff, machines: tuple[int, ...]
) -> None:
    """Add one step for the stack, after the stacks `after` are healthy; compose itself starts its services in order."""
    before = [number for name in after for number in draft.stacks.get(name, ())]
    for change in diff.changes:
        if isinstance(change, diff_projects.ProjectDiffers) and change.stack == source.name:
            first = change.cause is Cause.NOT_FOUND
            operation = ComposeUp(source.name, change.machine, change.project, source.settings.wait_seconds, first)
            number = draft.add(
                operation,
                change.cause,
                change.fields,
                makes=("project", source.name),
                needs=[("engine", change.machine)],
                needed=before,
                follows=machines,
            )
            draft.stacks[source.name] = (number,)


def remove_projects(draft: Draft, diff: Diff, cluster: str) -> None:
    """Add the steps that remove projects, after everything else. A project leaves a machine only once it runs on its new one."""
    everything = tuple(step.number for step in draft.steps)
    for change in diff.changes:
        if isinstance(change, diff_projects.ProjectSurplus):
            needed = list(draft.numbers(("project", change.stack)))
            operation = ComposeDown(change.stack, change.machine, cluster)
            draft.add(operation, change.cause, needed=everything if change.whole else needed, follows=everything)
