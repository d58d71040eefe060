"""Stacks: compiled objects and the live swarm in, what is missing or differs out."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, Literal

from deployer.diff.body import fields, hash_of
from deployer.diff.change import (
    Blocked,
    Change,
    Diff,
    Field,
    ObjectMissing,
)
from deployer.diff.services import PREDEFINED, Finding, Reference, diff_service, foreign, references
from deployer.model import labels
from deployer.model.observed import LiveObject, Swarm

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from deployer.model.stack import Body, StackObjects

Kind = Literal["network", "config", "secret"]
_EMPTY: Final = Swarm("", "", (), (), ())


def diff_stacks(cluster: str, stacks: Sequence[StackObjects], swarm: Swarm | None, commit: str) -> Diff:
    """What the stacks lack, sorted by stack, kind and name. `swarm` None: there is none yet, so everything.

    A service that refers to something that it may not have (an object that is not ours, an external one that does not
    exist) is left alone: the engine would refuse it, or it would run with what it was not meant for.
    """
    live = swarm or _EMPTY
    names = {obj.id: obj.name for obj in live.objects if obj.kind == "network"}
    changes: list[Change] = []
    blocked: list[Blocked] = []
    unchanged = 0
    found: list[Change]
    ordered = sorted(stacks, key=lambda stack: stack.stack)
    owners = _owners(ordered)
    unusable: set[Reference] = set()
    for stack in ordered:
        for kind, body in _objects(stack):
            name = str(body["Name"])
            if (rival := owners[kind, name]) != stack.stack:
                found, obstacle = [], [_twice(kind, name, rival, stack.stack)]
            elif _is_foreign(cluster, kind, name, live):
                found, obstacle = [], [foreign(kind, name)]
                unusable.add((kind, name))
            else:
                found, obstacle = _diff_object(stack.stack, kind, stamp(body, cluster, stack.stack), live)
            changes += found
            blocked += obstacle
            unchanged += not found and not obstacle
    for stack in ordered:
        missing = _missing_externals(stack, live, owners)
        blocked += [_missing(stack.stack, kind, name) for kind, name in missing]
        refused = unusable | set(missing)
        for body in sorted(stack.services, key=lambda body: str(body["Name"])):
            name = str(body["Name"])
            if (rival := owners["service", name]) != stack.stack:
                found, obstacle = [], [_twice("service", name, rival, stack.stack)]
            elif wanting := [reference for reference in references(body) if reference in refused]:
                found, obstacle = [], [_wanting(name, wanting[0])]
            else:
                stamped = stamp_service(body, cluster, stack.stack, commit)
                found, obstacle = diff_service(cluster, stack.stack, stamped, live, names)
            changes += found
            blocked += obstacle
            unchanged += not found and not obstacle
    return Diff(tuple(changes), tuple(blocked), unchanged)


def stamp(body: Body, cluster: str, stack: str) -> dict[str, Any]:
    """The body with the labels that say whose it is."""
    return {**body, "Labels": {**(body.get("Labels") or {}), labels.CLUSTER: cluster, labels.STACK: stack}}


def stamp_service(body: Body, cluster: str, stack: str, commit: str) -> dict[str, Any]:
    """A service's body with its labels; volatile ones too, which only the service carries, never its tasks."""
    stamped = stamp(body, cluster, stack)
    stamped["Labels"] |= {labels.HASH: hash_of(stamped), labels.COMMIT: commit}
    return stamped


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


def _find(kind: str, name: str, live: Swarm) -> LiveObject | None:
    return next((obj for obj in live.objects if obj.kind == kind and obj.name == name), None)


def _is_foreign(cluster: str, kind: str, name: str, live: Swarm) -> bool:
    present = _find(kind, name, live)
    return present is not None and present.labels.get(labels.CLUSTER) != cluster


def _diff_object(stack: str, kind: Kind, body: Mapping[str, Any], live: Swarm) -> Finding:
    name = str(body["Name"])
    present = _find(kind, name, live)
    if present is None:
        return [ObjectMissing(kind, stack, name, body)], []
    if kind == "network" and (differing := network_fields(present.body, body)):
        told = ", ".join(f"{field.path} {field.old!r} -> {field.new!r}" for field in differing)
        return [], [Blocked(
            f"network {name}", f"its options differ ({told}), and an engine cannot change a network (moby#37901)",
            "give the network a new name in the stack file; the old one can go when no service uses it",
        )]  # fmt: skip
    return [], []


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


def _missing_externals(stack: StackObjects, live: Swarm, owners: Mapping[tuple[str, str], str]) -> list[Reference]:
    """Volumes are made by the engine that first needs them, and some networks are always there."""
    return [
        (kind, name)
        for kind, name in sorted(stack.external)
        if kind != "volume"
        and not (kind == "network" and name in PREDEFINED)
        and _find(kind, name, live) is None
        and (kind, name) not in owners
    ]


def _missing(stack: str, kind: str, name: str) -> Blocked:
    return Blocked(
        f"stack {stack}", f"its external {kind} {name} does not exist", "create it, or let a stack define it"
    )


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
