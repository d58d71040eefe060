"""Stacks: networks, configs, secrets and services that the swarm lacks, or has otherwise than git says."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal, NamedTuple

from deployer.diff.body import hash_of, normalise_service
from deployer.diff.cause import Cause
from deployer.diff.change import Blocked, Diff, Drifted
from deployer.diff.drift import DEFAULT, Rules, compare, digests
from deployer.diff.effect import Effect, effect, template_of
from deployer.diff.fields import fields
from deployer.diff.plain import plainly_same
from deployer.diff.rotation import find_rotation
from deployer.diff.seen import (
    PREDEFINED,
    ROLLED_BACK,
    RUNNING_UPDATES,
    STALLED_UPDATES,
    Reference,
    Seen,
    blocked_by_foreign,
    counts_agree,
    references,
    seen_of,
)
from deployer.diff.veil import sealed_label, veil_fields
from deployer.model import labels
from deployer.model.field import Field
from deployer.model.ignoring import list_ignored
from deployer.model.spec import ServiceSpec
from deployer.model.stack import Body
from deployer.model.subject import OfStack

if TYPE_CHECKING:
    from collections.abc import Sequence

    from deployer.diff.changes import Change
    from deployer.diff.drift import Compared
    from deployer.model.observed import LiveService, Swarm
    from deployer.model.stack import StackObjects, StackSettings


@dataclass(frozen=True)
class ObjectMissing(OfStack):
    """A network, config or secret of a stack. `fields`: how it differs from the one whose place it takes."""

    kind: Literal["network", "config", "secret"]
    stack: str
    name: str
    body: Mapping[str, Any]
    cause: Cause = Cause.NOT_FOUND
    fields: tuple[Field, ...] = ()


@dataclass(frozen=True)
class ServiceMissing(OfStack):
    stack: str
    name: str
    body: Mapping[str, Any]
    cause: Cause = Cause.NOT_FOUND


@dataclass(frozen=True)
class ServiceDiffers(OfStack):
    """`effect`: what the update does to its tasks."""

    stack: str
    name: str
    body: Mapping[str, Any]
    seen: LiveService
    fields: tuple[Field, ...]
    cause: Cause
    effect: Effect | None = None


@dataclass(frozen=True)
class ServiceUnsettled(OfStack):
    """Its definition is in order, its tasks are not (yet)."""

    stack: str
    name: str
    running: int
    wanted: int
    cause: Cause = Cause.NOT_HEALTHY


@dataclass(frozen=True)
class ServiceReplaced(OfStack):
    """A service that cannot become what it is to be: it is removed and made anew.

    `network` is the one of its networks that is replaced; empty where its mode is another.
    """

    stack: str
    name: str
    body: Mapping[str, Any]
    seen: LiveService
    fields: tuple[Field, ...]
    cause: Cause
    network: str = ""


@dataclass(frozen=True)
class NetworkReplaced(OfStack):
    """A network whose options differ: an engine cannot change one (moby#37901)."""

    stack: str
    name: str
    id: str
    body: Mapping[str, Any]
    fields: tuple[Field, ...]
    cause: Cause = Cause.CHANGED


@dataclass(frozen=True)
class ServiceSurplus(OfStack):
    """A service of this cluster that git does not have any more.

    `whole`: nor any of its stack. `room_for` is a service that needs a port which this one holds.
    """

    stack: str
    name: str
    seen: LiveService
    whole: bool = False
    room_for: str = ""
    cause: Cause = Cause.GONE


@dataclass(frozen=True)
class ObjectSurplus(OfStack):
    """A network, config or secret that git does not have any more, and that nothing uses afterwards."""

    kind: Literal["network", "config", "secret"]
    stack: str
    name: str
    id: str
    whole: bool = False
    cause: Cause = Cause.GONE


StackChange = (
    ObjectMissing
    | NetworkReplaced
    | ObjectSurplus
    | ServiceMissing
    | ServiceDiffers
    | ServiceUnsettled
    | ServiceReplaced
    | ServiceSurplus
)


Written = ServiceMissing | ServiceDiffers | ServiceReplaced
"""Services that are created or updated."""


class Finding(NamedTuple):
    """What one object lacks, why it cannot have it, and what of it is left although it drifted."""

    changes: tuple[Change, ...] = ()
    blocked: tuple[Blocked, ...] = ()
    drifted: tuple[Drifted, ...] = ()


Again = Callable[[], tuple[Mapping[str, Any], Body]]
"""The live body, normalised; and as it is sent once more."""


Kind = Literal["network", "config", "secret"]


def diff_stacks(
    cluster: str,
    stacks: Sequence[StackObjects],
    swarm: Swarm | None,
    commit: str,
    settings: Mapping[str, StackSettings] | None = None,
    common: Rules = DEFAULT,
) -> Diff:
    """What the stacks lack, sorted by stack, kind and name. `swarm` None: there is none yet, so everything.

    A service that refers to something that it may not have (an object that is not ours, an external one that does not
    exist) is left alone: the engine would refuse it, or it would run with what it was not meant for. `common`
    are the cluster's rules, beside which a stack's `settings` may have their own.
    """
    seen = seen_of(swarm)
    found: list[Finding] = []
    ordered = sorted(stacks, key=lambda stack: stack.stack)
    owners = _owners(ordered)
    unusable: set[Reference] = set()
    for stack in ordered:
        for kind, body in _objects(stack):
            name = str(body["Name"])
            if (rival := owners[kind, name]) != stack.stack:
                found.append(Finding(blocked=(_twice(kind, name, rival, stack.stack),)))
            elif _is_foreign(cluster, kind, name, seen):
                found.append(Finding(blocked=(blocked_by_foreign(kind, name),)))
                unusable.add((kind, name))
            else:
                found.append(_diff_object(stack.stack, kind, stamp(body, cluster, stack.stack), seen))
    for stack in ordered:
        missing = _missing_externals(stack, seen, owners)
        found += [Finding(blocked=(_missing(stack.stack, kind, name),)) for kind, name in missing]
        refused = unusable | set(missing)
        rules = _rules(stack, (settings or {}).get(stack.stack), common)
        unavailable = {name: _unavailable(stack.stack, name, why, help_) for name, why, help_ in stack.unavailable}
        for body in sorted(stack.services, key=lambda body: str(body["Name"])):
            name = str(body["Name"])
            if (rival := owners["service", name]) != stack.stack:
                found.append(Finding(blocked=(_twice("service", name, rival, stack.stack),)))
            elif refused and (wanting := [reference for reference in references(body) if reference in refused]):
                found.append(Finding(blocked=(_wanting(name, wanting[0]),)))
            elif name in unavailable:
                found.append(Finding(blocked=(unavailable[name],)))
            else:
                mine = stamp(body, cluster, stack.stack)
                found.append(diff_service(cluster, commit, stack.stack, mine, seen, rules[name]))
    return Diff(
        tuple(change for finding in found for change in finding.changes),
        tuple(obstacle for finding in found for obstacle in finding.blocked),
        sum(finding == Finding() for finding in found),
        tuple(drifted for finding in found for drifted in finding.drifted),
    )


def _rules(stack: StackObjects, settings: StackSettings | None, common: Rules) -> dict[str, Rules]:
    """What holds for each service of a stack, by its full name."""
    names = [str(body["Name"]) for body in stack.services]
    if settings is None:
        return dict.fromkeys(names, common)
    short = {name: name.removeprefix(f"{stack.stack}_") for name in names}
    chosen = settings.drift or common.drift
    every = short.values()
    return {name: Rules(chosen, (*common.ignore, *list_ignored(settings.ignore, short[name], every))) for name in names}


def stamp(body: Body, cluster: str, stack: str) -> dict[str, Any]:
    """The body with the labels that say whose it is, and which of its variables are encrypted in git."""
    told = {labels.CLUSTER: cluster, labels.STACK: stack} | sealed_label(body)
    return {**body, "Labels": {**(body.get("Labels") or {}), **told}}


def stamp_service(body: Body, cluster: str, stack: str, commit: str) -> dict[str, Any]:
    """A service's body with all of its labels, as it is sent."""
    return stamp_volatile(stamp(body, cluster, stack), commit)


def _objects(stack: StackObjects) -> list[tuple[Kind, Body]]:
    groups: tuple[tuple[Kind, tuple[Body, ...]], ...] = (
        ("network", stack.networks),
        ("config", stack.configs),
        ("secret", stack.secrets),
    )
    return [(kind, body) for kind, bodies in groups for body in sorted(bodies, key=lambda body: str(body["Name"]))]


def _owners(stacks: Sequence[StackObjects]) -> dict[tuple[str, str], str]:
    """(kind, name) -> the stack that defines it: the first, where two do."""
    owners: dict[tuple[str, str], str] = {}
    for stack in stacks:
        for kind, body in (*_objects(stack), *(("service", body) for body in stack.services)):
            owners.setdefault((kind, str(body["Name"])), stack.stack)
    return owners


def _is_foreign(cluster: str, kind: str, name: str, seen: Seen) -> bool:
    present = seen.objects.get((kind, name))
    return present is not None and present.labels.get(labels.CLUSTER) != cluster


def _diff_object(stack: str, kind: Kind, body: Mapping[str, Any], seen: Seen) -> Finding:
    name = str(body["Name"])
    present = seen.objects.get((kind, name))
    if present is None:
        differing = find_rotation(kind, stack, body, seen) if kind != "network" else ()
        cause = Cause.CHANGED if differing else Cause.NOT_FOUND
        return Finding((ObjectMissing(kind, stack, name, body, cause, differing),))
    if kind == "network" and (differing := network_fields(present.body, body)):
        return Finding((NetworkReplaced(stack, name, present.id, body, differing),))
    return Finding()


def network_fields(live: Mapping[str, Any], wanted: Mapping[str, Any]) -> tuple[Field, ...]:
    """The options that the file states and the live network does not have; what the engine chose by itself is no difference."""
    found: list[Field] = []
    for key in ("Driver", "Internal", "Attachable", "Ingress"):
        old, new = live.get(key) or False, wanted.get(key) or False
        if new != old and not (key == "Driver" and not new):
            found.append(Field(key, old, new))
    for key, value in sorted((wanted.get("Options") or {}).items()):
        found += fields((live.get("Options") or {}).get(key), value, f"Options.{key}")
    wanted_pools = (wanted.get("IPAM") or {}).get("Config") or []
    live_pools = (live.get("IPAM") or {}).get("Config") or []
    if wanted_pools and [pool.get("Subnet") for pool in wanted_pools] != [pool.get("Subnet") for pool in live_pools]:
        found.append(Field("IPAM.Config", live_pools, wanted_pools))
    return tuple(found)


def _missing_externals(stack: StackObjects, seen: Seen, owners: Mapping[tuple[str, str], str]) -> list[Reference]:
    """Volumes are made by the engine that first needs them, and some networks are always there."""
    return [
        (kind, name)
        for kind, name in sorted(stack.external)
        if kind != "volume"
        and not (kind == "network" and name in PREDEFINED)
        and (kind, name) not in seen.objects
        and (kind, name) not in owners
    ]


def _missing(stack: str, kind: str, name: str) -> Blocked:
    return Blocked(
        f"stack {stack}",
        f"its external {kind} {name} does not exist",
        "create it, or let a stack define it",
        stack=stack,
        at=(f"{kind}s", name),
    )


def _unavailable(stack: str, name: str, why: str, help_: str) -> Blocked:
    at = ("services", name.removeprefix(f"{stack}_"), "image")
    return Blocked(f"service {name}", why, help_, stack=stack, at=at)


def _wanting(name: str, reference: Reference) -> Blocked:
    return Blocked(
        f"service {name}", f"it needs {' '.join(reference)}, which it cannot have", "see what is said of that"
    )


def _twice(kind: str, name: str, first: str, second: str) -> Blocked:
    return Blocked(
        f"{kind} {name}",
        f"stacks {first} and {second} both define it",
        "rename one, or make it external in one of the two",
    )


def diff_service(cluster: str, commit: str, stack: str, body: Body, seen: Seen, rules: Rules) -> Finding:
    """Return what is to be done about one service: nothing, a change, or the reason why it cannot be deployed.

    `body` is its definition with our labels.
    """
    name = str(body["Name"])
    live = seen.services.get(name)
    if live is None:
        return Finding((ServiceMissing(stack, name, stamp_volatile(body, commit)),))
    if live.labels.get(labels.CLUSTER) != cluster:
        return Finding(blocked=(blocked_by_foreign("service", name),))
    old_mode, new_mode = ServiceSpec(live.spec).mode, ServiceSpec(body).mode
    if old_mode != new_mode:
        # Engines refuse to change it (swarmkit, manager/controlapi/service.go, errModeChangeNotAllowed).
        other = (Field("Mode", old_mode, new_mode),)
        cause = Cause.DRIFTED if live.labels.get(labels.HASH) == hash_of(body) else Cause.CHANGED
        return Finding((ServiceReplaced(stack, name, stamp_volatile(body, commit), live, other, cause),))
    predefined = _predefined(body, live.spec, seen.networks)
    names = {**seen.networks, **predefined} if predefined else seen.networks

    def again() -> tuple[Mapping[str, Any], Body]:
        kept = {**live.labels, **_volatile(stamp_volatile(body, commit))}
        sent = ServiceSpec(live.spec).with_labels(kept).with_template(_template(live, names)).raw
        return normalise_service(live.spec, names), sent

    same = plainly_same(live.spec, body, names)
    present, wanted = ({}, {}) if same else (normalise_service(live.spec, names), normalise_service(body, names))
    if present == wanted:
        return Finding(_unsettled(stack, name, live, seen, again))
    compared = compare(present, wanted, live.labels, hash_of(body), rules)
    left = (Drifted(stack, name, veil_fields(compared.left, body, live.labels)),) if compared.left else ()
    if not compared.fields:
        return Finding(_unsettled(stack, name, live, seen, again), drifted=left)
    # Git stands still, nobody's hand did it: the image's tag stands for another one by now.
    moved = compared.cause is Cause.CHANGED and live.labels.get(labels.HASH) == hash_of(body)
    cause = Cause.MOVED if moved else compared.cause
    what = effect(live, present, compared.target, seen.members)
    sent = _to_send(stamp_volatile(body, commit), _template(live, names), live, present, compared)
    shown = veil_fields(compared.fields, body, live.labels)
    return Finding((ServiceDiffers(stack, name, sent, live, shown, cause, what),), drifted=left)


def stamp_volatile(body: Body, commit: str) -> dict[str, Any]:
    """The body with its volatile labels, which only the service carries, never its tasks."""
    kept = {key: value for key, value in (body.get("Labels") or {}).items() if key not in labels.VOLATILE}
    told = {labels.HASH: hash_of(body), labels.FIELDS: digests(normalise_service(body, {})), labels.COMMIT: commit}
    digest = (body.get("Labels") or {}).get(labels.DIGEST)
    return {**body, "Labels": {**kept, **told, **({labels.DIGEST: digest} if digest else {})}}


def _unsettled(stack: str, name: str, live: LiveService, seen: Seen, again: Again) -> tuple[Change, ...]:
    """The definition is in order; are the tasks?

    Only another update takes a service out of a paused or rolled-back one; one with the same spec does (tried on
    Engine 26.1). Without it a run that failed once would fail for ever.
    """
    unsettled = not counts_agree(live, all_ready=seen.all_ready)
    if live.failed and not live.running:
        # Swarm does not try it again, and an update with the same spec would not either.
        _, body = again()
        spec = ServiceSpec(body)
        once_more = spec.with_template({**spec.template, "ForceUpdate": spec.forced + 1}).raw
        return (ServiceDiffers(stack, name, once_more, live, (), Cause.NOT_HEALTHY, Effect(starts=live.failed)),)
    if live.update_state in STALLED_UPDATES or (live.update_state == ROLLED_BACK and unsettled):
        present, body = again()
        pace = effect(live, present, present, seen.members)
        rest = pace if pace.job else Effect(at_once=pace.at_once, order=pace.order, rest=True)
        return (ServiceDiffers(stack, name, body, live, (), Cause.NOT_HEALTHY, rest),)
    if live.update_state in RUNNING_UPDATES or unsettled:
        return (ServiceUnsettled(stack, name, live.running, live.wanted),)
    return ()


def _predefined(body: Body, live: Mapping[str, Any], networks: Mapping[str, str]) -> dict[str, str]:
    """The id of `host` or its like in the live spec: Swarm has networks of these names that no engine lists."""
    ids = [id_ for id_ in ServiceSpec(live).networks if id_ not in networks and id_ not in PREDEFINED]
    names = [name for name in ServiceSpec(body).networks if name in PREDEFINED]
    return {ids[0]: names[0]} if len(ids) == len(names) == 1 else {}


def _to_send(
    body: Body,
    template: Mapping[str, Any],
    live: LiveService,
    present: Mapping[str, Any],
    compared: Compared,
) -> Body:
    """The body of the update. What tasks are made of is sent as it lives, where nothing of it is to change.

    swarmkit compares it byte for byte: an empty section in the place of none would restart every task, and so would
    another `ForceUpdate`, which counts `docker service update --force`.
    """
    sent: Body = body
    if compared.kept:
        sent = {**compared.target, "Labels": {**compared.target.get("Labels", {}), **_volatile(body)}}
    change = template_of(present, compared.target)
    if change == "differs":
        forced = {"ForceUpdate": template["ForceUpdate"]} if template.get("ForceUpdate") else {}
        return ServiceSpec(sent).with_template({**ServiceSpec(sent).template, **forced}).raw
    if change == "placement":
        template = {**template, "Placement": ServiceSpec(sent).placement}
    endpoint = {"EndpointSpec": live.spec["EndpointSpec"]} if live.spec.get("EndpointSpec") else {}
    return ServiceSpec({**sent, **endpoint}).with_template(template).raw


def _template(live: LiveService, names: Mapping[str, str]) -> dict[str, Any]:
    """The live task template, with networks by name: that is how plans speak of them, and engines take both."""
    spec = ServiceSpec(live.spec)
    networks = [{**one, "Target": names.get(one["Target"], one["Target"])} for one in spec.attachments]
    return {**spec.template, "Networks": networks} if networks else spec.template


def _volatile(body: Mapping[str, Any]) -> dict[str, str]:
    return {key: value for key, value in body["Labels"].items() if key in labels.VOLATILE}
