"""Stacks in compose mode: what their machines run of them, against what git says."""

from __future__ import annotations

import json
from collections import Counter
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from deployer.diff.cause import Cause
from deployer.diff.change import Blocked, Diff
from deployer.diff.machines import usable
from deployer.model import labels
from deployer.model.field import ABSENT, Field
from deployer.model.observed import Engine, Machine, Observed, Unreachable
from deployer.model.subject import OfStack

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from deployer.diff.changes import Change
    from deployer.model.desired import Desired
    from deployer.model.project import Project, ProjectContainer, ProjectService
    from deployer.model.stack import StackObjects


@dataclass(frozen=True)
class ProjectDiffers(OfStack):
    """A stack in compose mode that is not on its machine as git says; `unsettled`: only its containers are not healthy."""

    stack: str
    machine: str
    project: Project
    fields: tuple[Field, ...]
    cause: Cause
    unsettled: bool = False


@dataclass(frozen=True)
class ProjectSurplus(OfStack):
    """A compose project of this cluster on a machine where git does not want it; `whole`: git does not have it at all."""

    stack: str
    machine: str
    whole: bool
    cause: Cause = Cause.GONE


ProjectChange = ProjectDiffers | ProjectSurplus


def diff_projects(desired: Desired, objects: Sequence[StackObjects], observed: Observed) -> Diff:
    """What each project lacks on its machine, and what machines have of projects that are not theirs (any more)."""
    changes: list[Change] = []
    blocked: list[Blocked] = []
    unchanged = 0
    for stack in sorted(objects, key=lambda stack: stack.stack):
        if stack.project is None:
            continue
        if obstacle := _obstacle(desired, stack.project, observed):
            blocked.append(obstacle)
            continue
        change = diff_project(_stamp(stack.project, desired.cluster.name), containers(observed, stack.project.node))
        changes += [change] if change else []
        unchanged += len(stack.project.services) - len(change.fields if change else ())
    return Diff((*changes, *_surplus(desired, objects, observed)), tuple(blocked), max(unchanged, 0))


def containers(observed: Observed, machine: str) -> tuple[ProjectContainer, ...]:
    found = observed.machines.get(machine)
    return found.engine.projects if isinstance(found, Machine) and isinstance(found.engine, Engine) else ()


def diff_project(project: Project, live: Sequence[ProjectContainer]) -> ProjectDiffers | None:
    """One project against the containers of its machine."""
    mine = [container for container in live if container.project == project.stack]
    found: list[tuple[Field, Cause]] = []
    for service in project.services:
        found += _service(service, [container for container in mine if container.service == service.name])
    known = {service.name for service in project.services}
    orphans = Counter(container.service for container in mine if container.service not in known)
    found += [(Field(f"{name}.containers", count, 0), Cause.GONE) for name, count in sorted(orphans.items())]
    if not found:
        return None
    causes = [cause for _, cause in found]
    cause = Cause.NOT_FOUND if not mine else min(causes, key=_WEIGHT.index)
    unsettled = set(causes) == {Cause.NOT_HEALTHY}
    return ProjectDiffers(project.stack, project.node, project, tuple(field for field, _ in found), cause, unsettled)


_WEIGHT = (
    Cause.CHANGED, Cause.IMAGE, Cause.NOT_FOUND, Cause.COUNT, Cause.GONE, Cause.DRIFTED, Cause.NOT_RUNNING, Cause.NOT_HEALTHY,
)  # fmt: skip
"""Of several causes, the first of these is named."""


def _service(service: ProjectService, live: Sequence[ProjectContainer]) -> list[tuple[Field, Cause]]:
    """At most one field a service: the first thing that is to be mended."""
    name = service.name
    if not live and service.count:
        return [(Field(f"{name}.containers", 0, service.count), Cause.NOT_FOUND)]
    images = sorted({container.image for container in live if container.hash != service.hash})
    if images and images != [service.image]:
        return [(Field(f"{name}.image", ", ".join(images), service.image), Cause.CHANGED)]
    if old := sorted({container.hash for container in live if container.hash != service.hash}):
        cause = Cause.DRIFTED if old == [""] else Cause.CHANGED
        return [(Field(f"{name}.definition", ", ".join(old) or ABSENT, service.hash), cause)]
    if len(live) != service.count:
        return [(Field(f"{name}.containers", len(live), service.count), Cause.COUNT)]
    states = Counter(container.state for container in live if not container.healthy)
    if not states:
        return []
    words = ", ".join(f"{count} {state}" for state, count in sorted(states.items()))
    cause = Cause.NOT_HEALTHY if set(states) == {"running"} else Cause.NOT_RUNNING
    return [(Field(f"{name}.state", words, "running and healthy"), cause)]


def _stamp(project: Project, cluster: str) -> Project:
    """With the label that says whose it is on everything that compose makes: an external one is somebody else's."""
    model: dict[str, Any] = json.loads(project.file)
    for kind in ("services", "networks", "volumes"):
        for one in (model.get(kind) or {}).values():
            if not one.get("external"):
                one["labels"] = {**(one.get("labels") or {}), labels.CLUSTER: cluster}
    return replace(project, file=json.dumps(model, sort_keys=True))


def _obstacle(desired: Desired, project: Project, observed: Observed) -> Blocked | None:
    machine = observed.machines[project.node]
    subject = f"stack {project.stack}"
    if isinstance(machine, Unreachable):
        return Blocked(subject, f"its machine {project.node} is unreachable", "bring it back", unreachable=True)
    if not usable(desired.cluster.node(project.node), machine):
        return Blocked(
            subject,
            f"its machine {project.node} has no engine that answers",
            f"solve what the plan says of {project.node} first",
        )
    return None


def _surplus(desired: Desired, objects: Sequence[StackObjects], observed: Observed) -> list[ProjectSurplus]:
    """Nothing goes from a stack that says so, from a cluster that does not prune, or while another machine has yet to take it."""
    homes: Mapping[str, str] = {stack.stack: stack.project.node for stack in objects if stack.project}
    kept = {source.name for source in desired.stacks if not source.settings.prune}
    known = {source.name for source in desired.stacks}
    if not desired.cluster.policy.prune:
        return []
    return [
        ProjectSurplus(name, machine, name not in known)
        for machine in sorted(observed.machines)
        for name in sorted({container.project for container in containers(observed, machine)})
        if homes.get(name) != machine and name not in kept
    ]
