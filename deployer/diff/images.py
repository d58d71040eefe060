"""Images of stacks: which tags have to be asked for, what they stand for, and which images have to be built. Pure.

A plan names what will run: `nginx:1.27@sha256:...`. Under `changed` a tag is asked for only when git names another one than
what runs, so that a plan with nothing to do asks nobody; what it stood for then is kept beside the service and is what counts
until git names another. Under `always` every plan asks, and a tag that has moved is a change.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Literal, NamedTuple

from deployer.diff.body import hash_of
from deployer.diff.cause import Cause
from deployer.diff.placement import may_run
from deployer.diff.stacks import stamp
from deployer.model import labels
from deployer.model.observed import Engine, ImageFound, ImageUnknown, Machine
from deployer.model.reference import digest_of, pin, same
from deployer.model.spec import ServiceSpec
from deployer.model.subject import OfStack

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from deployer.model.build import Build, BuiltImage
    from deployer.model.desired import Desired
    from deployer.model.observed import LiveService, Member, Observed
    from deployer.model.stack import Body, StackObjects


@dataclass(frozen=True)
class ImageUnbuilt(OfStack):
    """An image of a stack's own files that machines or its registry lack. The machine `at` has it if it is `built`, else it builds it."""

    stack: str
    build: Build
    at: str
    built: bool
    lacking: tuple[str, ...]
    """Other machines that may run its service."""
    cause: Cause = Cause.NOT_FOUND


ImageChange = ImageUnbuilt


class _Known(NamedTuple):
    digest: str


_ASK: Literal["ask"] = "ask"


def wanted_images(desired: Desired, objects: Sequence[StackObjects], observed: Observed) -> dict[str, frozenset[str]]:
    """The image references whose digest has to be asked for, each with the machines that may run it. None without a swarm."""
    if observed.swarm is None:
        return {}
    found: dict[str, frozenset[str]] = {}
    members = ready_members(observed)
    for _, body, decided in _decide(desired, objects, observed):
        if decided == _ASK:
            spec = ServiceSpec(body)
            may = frozenset(name for name, member in members.items() if may_run(spec.constraints, member))
            image = spec.image
            found[image] = found.get(image, frozenset()) | may
    return dict(sorted(found.items()))


def with_digests(
    desired: Desired,
    objects: Sequence[StackObjects],
    observed: Observed,
    images: Mapping[str, ImageFound | ImageUnknown],
) -> tuple[StackObjects, ...]:
    """The stacks with the digest of every image. Services whose image could not be found are in `unavailable`."""
    bodies: dict[str, list[Body]] = {}
    unavailable: dict[str, list[tuple[str, str, str]]] = {}
    for stack, body, decided in _decide(desired, objects, observed):
        digest = ""
        if isinstance(decided, _Known):
            digest = decided.digest
        elif decided == _ASK:
            answer = images.get(ServiceSpec(body).image) if observed.swarm else ImageFound(labels.IMAGE_DIGEST)
            if isinstance(answer, ImageFound):
                digest = answer.digest
            else:
                reason, help_ = (answer.reason, answer.help) if answer else ("its image was not asked for", "")
                unavailable.setdefault(stack, []).append((str(body["Name"]), reason, help_))
        bodies.setdefault(stack, []).append(_with_digest(body, digest) if digest else body)
    return tuple(
        replace(
            one,
            services=tuple(bodies.get(one.stack, ())),
            unavailable=(*one.unavailable, *unavailable.get(one.stack, ())),
        )
        for one in objects
    )


def _decide(
    desired: Desired, objects: Sequence[StackObjects], observed: Observed
) -> Iterator[tuple[str, Body, _Known | Literal["ask"] | None]]:
    """(stack, body, what is known of its image): a digest, that it has to be asked for, or that it stays as it is written."""
    built = {build.image for stack in objects for build in stack.builds}
    policies = {source.name: source.settings.images or desired.cluster.images for source in desired.stacks}
    live = {service.name: service for service in observed.services}
    for stack in objects:
        policy = policies.get(stack.stack, desired.cluster.images).resolve
        for body in stack.services:
            image = ServiceSpec(body).image
            if policy == "never" or not image or digest_of(image) or image in built:
                yield stack.stack, body, None
            elif policy == "always":
                yield stack.stack, body, _ASK
            else:
                yield (
                    stack.stack,
                    body,
                    _recall(desired.cluster.name, stack.stack, body, live.get(str(body["Name"]))),
                )


def _recall(cluster: str, stack: str, body: Body, live: LiveService | None) -> _Known | Literal["ask"]:
    """What the tag stood for when the service was last written, if git still names the same one."""
    if live is None:
        return _ASK
    kept, running = live.labels.get(labels.DIGEST, ""), ServiceSpec(live.spec).image
    if same(running, ServiceSpec(body).image):
        return _Known(kept or digest_of(running))
    unchanged = kept and live.labels.get(labels.HASH) == hash_of(stamp(body, cluster, stack))
    return _Known(kept) if unchanged else _ASK


def _with_digest(body: Body, digest: str) -> Body:
    spec = ServiceSpec(body)
    return spec.with_image(pin(spec.image, digest)).with_labels({**spec.service_labels, labels.DIGEST: digest}).raw


def ready_members(observed: Observed) -> dict[str, Member]:
    """The machines of the files that are ready members of the swarm, by name."""
    by_id = {member.id: member for member in observed.members}
    return {
        name: by_id[machine.engine.membership.node_id]
        for name, machine in sorted(observed.machines.items())
        if isinstance(machine, Machine)
        and isinstance(machine.engine, Engine)
        and machine.engine.membership.node_id in by_id
        and by_id[machine.engine.membership.node_id].availability == "active"
    }


def wanted_builds(objects: Sequence[StackObjects], observed: Observed) -> tuple[Build, ...]:
    """Builds whose image has to be looked for. An image that runs from a registry is not: a registry keeps what it has."""
    running = {ServiceSpec(service.spec).image for service in observed.services}
    return tuple(build for stack in objects for build in stack.builds if not (build.pushed and build.image in running))


def diff_builds(
    desired: Desired, objects: Sequence[StackObjects], observed: Observed, built: Mapping[str, BuiltImage]
) -> tuple[ImageUnbuilt, ...]:
    """The images that have to be built and brought to machines, so that every service finds its image wherever it may run."""
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
