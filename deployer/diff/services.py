"""One service: its stamped body and its live counterpart in, what differs out."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from deployer.diff.body import fields, normalise_service
from deployer.diff.change import Blocked, Cause, Change, Field, ServiceDiffers, ServiceMissing, ServiceUnsettled
from deployer.model import labels

if TYPE_CHECKING:
    from collections.abc import Mapping

    from deployer.model.observed import LiveService, Swarm
    from deployer.model.stack import Body

Reference = tuple[str, str]
"""(kind, name) of something that a service refers to."""
Finding = tuple[list[Change], list[Blocked]]

COUNT_PATHS: Final = frozenset({"Mode.Replicated.Replicas"})
STALLED_UPDATES: Final = frozenset({"paused", "rollback_paused"})
RUNNING_UPDATES: Final = frozenset({"updating", "rollback_started"})
ROLLED_BACK: Final = "rollback_completed"
PREDEFINED: Final = frozenset({"bridge", "host", "none"})
"""Networks that every engine has (moby, runconfig/hostconfig_unix.go, IsPreDefinedNetwork)."""


def diff_service(cluster: str, stack: str, body: dict[str, Any], swarm: Swarm, networks: Mapping[str, str]) -> Finding:
    """What one service lacks: nothing, a change, or a reason why it cannot be had.

    `body` is stamped; `networks` maps the ids of the swarm's networks to their names.
    """
    name = str(body["Name"])
    live = next((service for service in swarm.services if service.name == name), None)
    if live is None:
        return [ServiceMissing(stack, name, body)], []
    if live.labels.get(labels.CLUSTER) != cluster:
        return [], [foreign("service", name)]
    old_mode, new_mode = _mode(live.spec), _mode(body)
    if old_mode != new_mode:
        return [], [Blocked(
            f"service {name}", f"its mode changes from {old_mode} to {new_mode}, which engines refuse",
            "give the service a new name, or remove the old one first",
        )]  # fmt: skip
    names = {**networks, **_predefined(body, live.spec, networks)}
    differing = fields(normalise_service(live.spec, names), normalise_service(body, names))
    if differing:
        update = ServiceDiffers(stack, name, _carry_over(body, live), live, differing, _cause(body, live, differing))
        return [update], []
    return _unsettled(stack, name, body, live, all_ready=all_ready(swarm)), []


def _unsettled(stack: str, name: str, body: dict[str, Any], live: LiveService, *, all_ready: bool) -> list[Change]:
    """The definition is in order; are the tasks?

    Only another update takes a service out of a paused or rolled-back one; one with the same spec does (tried on
    Engine 26.1). Without it a run that failed once would fail for ever.
    """
    unsettled = not counts_agree(live, all_ready=all_ready)
    if live.update_state in STALLED_UPDATES or (live.update_state == ROLLED_BACK and unsettled):
        return [ServiceDiffers(stack, name, _carry_over(body, live), live, (), Cause.NOT_HEALTHY)]
    if live.update_state in RUNNING_UPDATES or unsettled:
        return [ServiceUnsettled(stack, name, live.running, live.wanted)]
    return []


def counts_agree(live: LiveService, *, all_ready: bool) -> bool:
    """Whether as many tasks run as are wanted.

    Too many is a shrinking service, except while a machine is down: its tasks count as running until Swarm forgets
    them after a day (swarmkit#1270, moby#45922), and a wait for them would hold up everything else.
    """
    return live.finite or live.running == live.wanted or (live.running > live.wanted and not all_ready)


def all_ready(swarm: Swarm) -> bool:
    return all(member.state == "ready" for member in swarm.members)


def _mode(spec: Mapping[str, Any]) -> str:
    return next((key for key, value in sorted((spec.get("Mode") or {}).items()) if value is not None), "Replicated")


def _predefined(body: Body, live: Mapping[str, Any], networks: Mapping[str, str]) -> dict[str, str]:
    """The id of `host` or its like in the live spec: Swarm has networks of these names that no engine lists."""
    ids = [id_ for kind, id_ in references(live) if kind == "network" and id_ not in {*networks, *PREDEFINED}]
    names = [name for kind, name in references(body) if kind == "network" and name in PREDEFINED]
    return {ids[0]: names[0]} if len(ids) == len(names) == 1 else {}


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


def references(body: Body) -> tuple[Reference, ...]:
    """What must be there before a service: its networks, configs and secrets, whichever stack defines them."""
    template = body.get("TaskTemplate") or {}
    container = template.get("ContainerSpec") or {}
    return (
        *(("network", str(network["Target"])) for network in template.get("Networks") or ()),
        *(("config", str(config["ConfigName"])) for config in container.get("Configs") or ()),
        *(("secret", str(secret["SecretName"])) for secret in container.get("Secrets") or ()),
    )


def foreign(kind: str, name: str) -> Blocked:
    """What stands in the way of everything that has a name of ours and not our label."""
    return Blocked(
        f"{kind} {name}", f"it exists and is not this cluster's (no label {labels.CLUSTER} of it)",
        "remove or rename one of the two; what deployer does not own it never changes",
    )  # fmt: skip
