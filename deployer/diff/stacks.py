"""Stacks: compiled objects and the live swarm in, what is missing or differs out."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, Literal

from deployer.diff.body import fields, hash_of, normalise_service
from deployer.diff.change import (
    Blocked,
    Cause,
    Change,
    Diff,
    Field,
    ObjectMissing,
    ServiceDiffers,
    ServiceMissing,
    ServiceUnsettled,
)
from deployer.model import labels
from deployer.model.observed import LiveService, Swarm

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from deployer.model.stack import Body, StackObjects

COUNT_PATHS: Final = frozenset({"Mode.Replicated.Replicas"})
FAILED_UPDATES: Final = frozenset({"paused", "rollback_paused", "rollback_completed"})

_EMPTY: Final = Swarm("", "", (), (), ())


def diff_stacks(cluster: str, stacks: Sequence[StackObjects], swarm: Swarm | None, commit: str) -> Diff:
    """What the stacks lack, in the order in which it is to be made. `swarm` None: there is none yet, so everything."""
    live = swarm or _EMPTY
    networks = {obj.id: obj.name for obj in live.objects if obj.kind == "network"}
    changes: list[Change] = []
    blocked: list[Blocked] = []
    unchanged = 0
    defined = {str(body["Name"]) for stack in stacks for body in (*stack.networks, *stack.configs, *stack.secrets)}
    for stack in stacks:
        for kind, bodies in _objects(stack):
            for body in bodies:
                found, obstacle = _diff_object(cluster, stack.stack, kind, stamp(body, cluster, stack.stack), live)
                changes += found
                blocked += obstacle
                unchanged += not found and not obstacle
        for body in stack.services:
            stamped = stamp_service(body, cluster, stack.stack, commit)
            service = next((s for s in live.services if s.name == body["Name"]), None)
            found, obstacle = _diff_service(cluster, stack.stack, stamped, service, networks)
            changes += found
            blocked += obstacle
            unchanged += not found and not obstacle
        blocked += _missing_externals(stack, live, defined)
    return Diff(tuple(changes), tuple(blocked), unchanged)


def stamp(body: Body, cluster: str, stack: str) -> dict[str, Any]:
    """The body with the labels that say whose it is."""
    return {**body, "Labels": {**(body.get("Labels") or {}), labels.CLUSTER: cluster, labels.STACK: stack}}


def stamp_service(body: Body, cluster: str, stack: str, commit: str) -> dict[str, Any]:
    """A service's body with its labels; volatile ones too, which only the service carries, never its tasks."""
    stamped = stamp(body, cluster, stack)
    stamped["Labels"] |= {labels.HASH: hash_of(stamped), labels.COMMIT: commit}
    return stamped


def _objects(stack: StackObjects) -> Iterable[tuple[Literal["network", "config", "secret"], tuple[Body, ...]]]:
    return (("network", stack.networks), ("config", stack.configs), ("secret", stack.secrets))


def _diff_object(
    cluster: str, stack: str, kind: Literal["network", "config", "secret"], body: Mapping[str, Any], live: Swarm
) -> tuple[list[Change], list[Blocked]]:
    name = str(body["Name"])
    present = next((obj for obj in live.objects if obj.kind == kind and obj.name == name), None)
    if present is None:
        return [ObjectMissing(kind, stack, name, body)], []
    if present.labels.get(labels.CLUSTER) != cluster:
        return [], [_foreign(kind, name)]
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


def _diff_service(
    cluster: str, stack: str, body: dict[str, Any], live: LiveService | None, networks: Mapping[str, str]
) -> tuple[list[Change], list[Blocked]]:
    name = str(body["Name"])
    if live is None:
        return [ServiceMissing(stack, name, body)], []
    if live.labels.get(labels.CLUSTER) != cluster:
        return [], [_foreign("service", name)]
    differing = fields(normalise_service(live.spec, networks), normalise_service(body, networks))
    if differing:
        return [
            ServiceDiffers(stack, name, _carry_over(body, live), live, differing, _cause(body, live, differing))
        ], []
    if live.update_state in FAILED_UPDATES or (live.running < live.wanted and not live.finite):
        return [ServiceUnsettled(stack, name, live.running, live.wanted)], []
    return [], []


def _cause(body: Mapping[str, Any], live: LiveService, differing: tuple[Field, ...]) -> Cause:
    """Equal hashes: git asks for what was sent last, so somebody else changed the live one."""
    if body["Labels"][labels.HASH] == live.labels.get(labels.HASH):
        return Cause.DRIFTED
    return Cause.COUNT if all(field.path in COUNT_PATHS for field in differing) else Cause.CHANGED


def _carry_over(body: dict[str, Any], live: LiveService) -> dict[str, Any]:
    """`ForceUpdate` as it is: sending another number would restart every task (swarmkit task.go, IsTaskDirty)."""
    forced = (live.spec.get("TaskTemplate") or {}).get("ForceUpdate")
    if not forced:
        return body
    return {**body, "TaskTemplate": {**body["TaskTemplate"], "ForceUpdate": forced}}


def _missing_externals(stack: StackObjects, live: Swarm, defined: set[str]) -> list[Blocked]:
    present = {(obj.kind, obj.name) for obj in live.objects}
    return [
        Blocked(
            f"stack {stack.stack}",
            f"its external {kind} {name} does not exist",
            "create it, or let a stack define it",
        )
        for kind, name in stack.external
        if kind != "volume" and (kind, name) not in present and name not in defined
    ]


def _foreign(kind: str, name: str) -> Blocked:
    return Blocked(
        f"{kind} {name}", f"it exists and is not this cluster's (no label {labels.CLUSTER} of it)",
        "remove or rename one of the two; what deployer does not own it never changes",
    )  # fmt: skip
