"""Machines: engine, daemon.json, swarm membership, Consul. Desired nodes and observed machines in, changes out."""

from __future__ import annotations

import ipaddress
import json
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Final, Literal

from deployer.diff.body import fields
from deployer.diff.change import (
    Blocked,
    Cause,
    Change,
    DaemonJson,
    Diff,
    EngineMissing,
    Field,
    MemberDiffers,
    NoSwarm,
    NotMember,
)
from deployer.model import labels
from deployer.model.observed import Engine, Machine, Member, Observed, Silent, Unreachable

if TYPE_CHECKING:
    from deployer.model.cluster import Cluster, Node

RELOADABLE: Final = frozenset({
    "debug", "labels", "live-restore", "max-concurrent-downloads", "max-concurrent-uploads", "max-download-attempts",
    "insecure-registries", "registry-mirrors", "shutdown-timeout", "features",
})  # fmt: skip
"""Keys that dockerd reads again on SIGHUP (docs.docker.com, dockerd, "Miscellaneous options"); all others need a restart."""


def advertise_address(node: Node, machine: Machine) -> str | None:
    """The address at which the other machines reach this one; None where `advertise` names an interface that it has not.

    Without `advertise`: the address that SSH uses, if it is one of the machine's own, else that of the default route's
    interface (a public address in front of NAT is not one that an engine can bind to).
    """
    by_interface: dict[str, str] = {}
    for interface, address in machine.interfaces:
        by_interface.setdefault(interface, address)
    if node.advertise is not None:
        return node.advertise if _is_address(node.advertise) else by_interface.get(node.advertise)
    if node.address in by_interface.values():
        return node.address
    return by_interface.get(machine.default_interface, "127.0.0.1" if node.local else None)


def diff_engines(cluster: Cluster, observed: Observed) -> Diff:
    """Engines that are missing or silent, and daemon.json."""
    changes: list[Change] = []
    blocked: list[Blocked] = []
    unchanged = 0
    for node in cluster.nodes:
        machine = observed.machines[node.name]
        if isinstance(machine, Unreachable):
            blocked.append(Blocked(node.name, machine.reason, machine.help))
            continue
        found, obstacle = _engine_changes(node, machine)
        changes += found
        if obstacle:
            blocked.append(obstacle)
        elif not found:
            unchanged += 1
    return Diff(tuple(changes), tuple(blocked), unchanged)


def _engine_changes(node: Node, machine: Machine) -> tuple[list[Change], Blocked | None]:
    changes: list[Change] = []
    if isinstance(machine.engine, Silent):
        return [], Blocked(
            node.name,
            f"its Docker engine does not answer: {machine.engine.reason}",
            "look at `journalctl -u docker` there",
        )
    if machine.engine is None and node.engine.install == "none":
        return [], Blocked(
            node.name,
            "it has no Docker engine, and engine.install is `none`",
            "install one, or set engine.install to distro or docker",
        )
    try:
        config = _daemon_change(node, machine)
    except ValueError as error:
        return [], Blocked(
            node.name,
            f"its /etc/docker/daemon.json is no JSON object: {error}",
            "mend or remove that file; deployer merges, it never overwrites",
        )
    if machine.engine is None and node.engine.install != "none":
        changes.append(EngineMissing(node.name, node.engine.install))
    if config:
        changes.append(config)
    if changes and not machine.privileged:
        return [], Blocked(
            node.name,
            "its user is not root and sudo asks for a password",
            "allow passwordless sudo for it, or set ssh.user to one who has it",
        )
    return changes, None


def merge(present: Mapping[str, Any], wanted: Mapping[str, Any]) -> dict[str, Any]:
    """daemon.json as it is to be: objects merged key by key, anything else as git says; what git does not name stays."""
    merged = dict(present)
    for key, value in wanted.items():
        here = present.get(key)
        merged[key] = merge(here, value) if isinstance(here, Mapping) and isinstance(value, Mapping) else value
    return merged


def _daemon_change(node: Node, machine: Machine) -> DaemonJson | None:
    present = json.loads(machine.daemon_json or "{}")
    if not isinstance(present, dict):
        raise ValueError(f"it holds {type(present).__name__}")  # noqa: TRY004 - for the file's reader both are one mistake
    wanted = merge(present, node.engine.daemon)
    differing: tuple[Field, ...] = tuple(
        field for key in sorted(wanted) for field in fields(present.get(key), wanted[key], key)
    )
    if not differing:
        return None
    effect: Literal["none", "reload", "restart"]
    if machine.engine is None:
        effect = "none"
    elif {key for key in wanted if wanted[key] != present.get(key)} <= RELOADABLE:
        effect = "reload"
    else:
        effect = "restart"
    return DaemonJson(node.name, json.dumps(wanted, indent=2, sort_keys=True) + "\n", differing, effect)


def diff_swarm(cluster: Cluster, observed: Observed) -> Diff:
    """Membership, roles, availability, labels. A second swarm is never started beside one that could not be seen."""
    wanted = [node for node in cluster.nodes if node.role != "none"]
    reachable = [(node, machine) for node in wanted if isinstance(machine := observed.machines[node.name], Machine)]
    blocked = [_no_address(node) for node, machine in reachable if advertise_address(node, machine) is None]
    if blocked or not wanted:
        return Diff((), tuple(blocked))
    changes: list[Change] = []
    starter = ""
    if observed.swarm is None:
        obstacle = _cannot_start(wanted, observed)
        if obstacle:
            return Diff((), (obstacle,))
        node, machine = next((node, machine) for node, machine in reachable if node.role == "manager")
        starter = node.name
        changes.append(NoSwarm(starter, str(advertise_address(node, machine))))
    unchanged = 0
    for node, machine in reachable:
        found, obstacle = _membership_changes(node, machine, observed, starts=node.name == starter)
        changes += found
        blocked += [obstacle] if obstacle else []
        unchanged += not found and obstacle is None
    return Diff(tuple(changes), tuple(blocked), unchanged)


def _cannot_start(wanted: list[Node], observed: Observed) -> Blocked | None:
    """Why no swarm may be started: a machine that may belong to one could not be asked, or is in one without its managers."""
    for node in wanted:
        machine = observed.machines[node.name]
        if isinstance(machine, Unreachable) and node.role == "manager":
            return Blocked(
                "swarm",
                f"whether there is one cannot be told while manager {node.name} is unreachable",
                "bring it back, or take it out of cluster/nodes/",
            )
        if (
            isinstance(machine, Machine)
            and isinstance(machine.engine, Engine)
            and machine.engine.membership.state != "inactive"
        ):
            return Blocked(
                "swarm", f"{node.name} is in a swarm ({machine.engine.membership.state}) of which no reachable machine is a working manager",
                "bring a manager back; if the swarm is lost, `docker swarm leave --force` on that machine",
            )  # fmt: skip
    if not any(node.role == "manager" for node in wanted):
        return Blocked("swarm", "no machine is a manager", "set `swarm: manager` in one file of cluster/nodes/")
    return None


def _membership_changes(
    node: Node, machine: Machine, observed: Observed, *, starts: bool
) -> tuple[list[Change], Blocked | None]:
    assert node.role != "none"  # noqa: S101 - only members get here
    advertise = str(advertise_address(node, machine))
    engine = machine.engine
    if isinstance(engine, Silent) or (engine is None and node.engine.install == "none"):
        return [], None  # diff_engines says so
    membership = engine.membership if engine else None
    if membership is None or membership.state == "inactive":
        joined: list[Change] = [] if starts else [NotMember(node.name, node.role, advertise)]
        return joined + _member_differs(node, None), None
    swarm = observed.swarm
    member = next((m for m in swarm.members if m.id == membership.node_id), None) if swarm else None
    if swarm is None or member is None:
        return [], Blocked(
            node.name, f"it is in a swarm ({membership.state}) that is not this cluster's",
            "`docker swarm leave` there takes it out; deployer never does that by itself",
        )  # fmt: skip
    return _member_differs(node, member), None


def _member_differs(node: Node, member: Member | None) -> list[Change]:
    """Labels that git names are ours; which those are is remembered in a label, so that one taken out of git goes away."""
    assert node.role != "none"  # noqa: S101 - only members get here
    present = dict(member.labels) if member else {}
    owned = {key for key in present.get(labels.KEYS, "").split(",") if key}
    kept = {key: value for key, value in present.items() if key not in owned and key != labels.KEYS}
    wanted = kept | dict(node.labels)
    if node.labels:
        wanted[labels.KEYS] = ",".join(key for key, _ in node.labels)
    old = {"role": member.role if member else node.role, "availability": member.availability if member else "active"}
    new = {"role": node.role, "availability": node.availability}
    shown = fields(
        old | {"labels": {k: v for k, v in present.items() if k != labels.KEYS}},
        new | {"labels": {k: v for k, v in wanted.items() if k != labels.KEYS}},
    )
    if not shown and present == wanted:
        return []
    cause = Cause.CHANGED if member else Cause.NOT_FOUND
    return [MemberDiffers(node.name, node.role, node.availability, wanted, shown, cause)]


def _no_address(node: Node) -> Blocked:
    what = f"it has no interface {node.advertise}" if node.advertise else "none of its addresses is known"
    return Blocked(
        node.name,
        f"{what}, so the other machines cannot reach it",
        f"set `advertise` in {node.path} to one of its interfaces or addresses",
    )


def _is_address(text: str) -> bool:
    try:
        ipaddress.ip_address(text)
    except ValueError:
        return False
    return True
