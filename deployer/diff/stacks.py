"""Stacks: compiled objects and the live swarm in, what is missing or differs out."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal

from deployer.diff.change import (
    Blocked,
    Cause,
    Diff,
    Field,
    NetworkReplaced,
    ObjectMissing,
)
from deployer.diff.drift import DEFAULT, Rules
from deployer.diff.fields import fields
from deployer.diff.rotation import rotated
from deployer.diff.services import (
    PREDEFINED,
    Finding,
    Reference,
    Seen,
    diff_service,
    foreign,
    references,
    seen_of,
    stamped,
)
from deployer.diff.veil import sealed_label
from deployer.model import labels
from deployer.model.ignoring import ignored

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from deployer.model.observed import Swarm
    from deployer.model.stack import Body, StackObjects, StackSettings

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
                found.append(Finding(blocked=(foreign(kind, name),)))
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
    return {name: Rules(chosen, (*common.ignore, *ignored(settings.ignore, short[name], every))) for name in names}


def stamp(body: Body, cluster: str, stack: str) -> dict[str, Any]:
    """The body with the labels that say whose it is, and which of its variables are encrypted in git."""
    told = {labels.CLUSTER: cluster, labels.STACK: stack} | sealed_label(body)
    return {**body, "Labels": {**(body.get("Labels") or {}), **told}}


def stamp_service(body: Body, cluster: str, stack: str, commit: str) -> dict[str, Any]:
    """A service's body with all of its labels, as it is sent."""
    return stamped(stamp(body, cluster, stack), commit)


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
        differing = rotated(kind, stack, body, seen) if kind != "network" else ()
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
