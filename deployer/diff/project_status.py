"""The status of a stack in compose mode: its project, and what its machine runs of it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from deployer.diff.projects import ProjectDiffers, containers
from deployer.model.observed import Machine, Observed
from deployer.model.status import Health, ServiceStatus, StackStatus, Sync, worst

if TYPE_CHECKING:
    from collections.abc import Sequence

    from deployer.diff.change import Diff
    from deployer.model.project import Project, ProjectContainer, ProjectService


def project_status(project: Project, observed: Observed, diff: Diff) -> StackStatus:
    obstacle = next((one.reason for one in diff.blocked if one.subject == f"stack {project.stack}"), "")
    if not isinstance(observed.machines[project.node], Machine):
        unknown = tuple(
            ServiceStatus(f"{project.stack}_{one.name}", one.image, 0, one.count, "Unknown", "Unknown")
            for one in project.services
        )
        return StackStatus(project.stack, unknown, "Unknown", "Unknown", obstacle)
    change = next((one for one in diff.changes if isinstance(one, ProjectDiffers) and one.stack == project.stack), None)
    differing = {field.path.partition(".")[0] for field in change.fields} if change and not change.unsettled else set()
    live = [one for one in containers(observed, project.node) if one.project == project.stack]
    services = tuple(_service(project, one, live, differs=one.name in differing) for one in project.services)
    out_of_sync = bool(obstacle or differing)
    sync: Sync = "OutOfSync" if out_of_sync else "Synced"
    return StackStatus(project.stack, services, sync, worst(one.health for one in services), obstacle)


def _service(
    project: Project, service: ProjectService, live: Sequence[ProjectContainer], *, differs: bool
) -> ServiceStatus:
    mine = [one for one in live if one.service == service.name]
    well = sum(one.healthy for one in mine)
    health: Health = "Healthy" if well >= service.count else "Missing" if not mine else "Degraded"
    if health == "Degraded" and all(one.state == "running" for one in mine):
        health = "Progressing"
    note = f"on {project.node}" if health == "Healthy" else f"{well} of {service.count} running on {project.node}"
    name = f"{project.stack}_{service.name}"
    sync: Sync = "OutOfSync" if differs else "Synced"
    return ServiceStatus(name, service.image, well, service.count, sync, health, note)
