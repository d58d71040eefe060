"""Images that are built from the stacks' own files: where they lack. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING

from deployer.diff.change import ImageUnbuilt
from deployer.diff.images import ready_members
from deployer.diff.placement import may_run
from deployer.model.spec import ServiceSpec

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from deployer.model.build import Build, BuiltImage
    from deployer.model.desired import Desired
    from deployer.model.observed import Observed
    from deployer.model.stack import StackObjects


def wanted_builds(objects: Sequence[StackObjects], observed: Observed) -> tuple[Build, ...]:
    """Those of which it has to be asked where they are. A registry keeps what it has: of what runs from there nothing is asked."""
    running = {ServiceSpec(service.spec).image for service in observed.swarm.services} if observed.swarm else set()
    return tuple(build for stack in objects for build in stack.builds if not (build.pushed and build.image in running))


def diff_builds(
    desired: Desired, objects: Sequence[StackObjects], observed: Observed, built: Mapping[str, BuiltImage]
) -> tuple[ImageUnbuilt, ...]:
    """What is to be built and brought to machines, so that every service finds its image wherever it may run."""
    found = []
    bodies = {str(body["Name"]): body for stack in objects for body in stack.services}
    for build in wanted_builds(objects, observed):
        there = built.get(build.image)
        holders = sorted(there.machines) if there else []
        if build.pushed:
            if not (there and there.pushed):
                found.append(ImageUnbuilt(build.stack, build, _builder(desired, observed, holders), bool(holders), ()))
            continue
        machines = _machines(desired, observed, bodies.get(build.service))
        lacking = tuple(name for name in machines if name not in holders)
        if lacking:
            builder = _builder(desired, observed, holders)
            others = tuple(name for name in lacking if name != builder)
            found.append(ImageUnbuilt(build.stack, build, builder, bool(holders), others))
    return tuple(found)


def _machines(desired: Desired, observed: Observed, body: Mapping[str, object] | None) -> list[str]:
    """Those that may run the service; before there is a swarm all that will be in it."""
    if observed.swarm is None:
        return [node.name for node in desired.cluster.nodes if node.role != "none"]
    constraints = ServiceSpec(body or {}).constraints
    return [name for name, member in ready_members(observed).items() if may_run(constraints, member)]


def _builder(desired: Desired, observed: Observed, holders: Sequence[str]) -> str:
    """One that has it already, else the manager."""
    if holders:
        return holders[0]
    if observed.swarm:
        return observed.swarm.via
    return next((node.name for node in desired.cluster.nodes if node.role == "manager"), "")
