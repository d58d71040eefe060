"""Machines: their engine, its daemon.json, and the containers of the cluster's own on them."""

from __future__ import annotations

import ipaddress
import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, Literal

from deployer.diff.cause import Cause
from deployer.diff.change import Blocked, Diff
from deployer.diff.fields import fields
from deployer.model.observed import Engine, Machine, Observed, Silent, Unreachable
from deployer.model.subject import OfMachine

if TYPE_CHECKING:
    from deployer.diff.changes import Change
    from deployer.model.cluster import Cluster, Node
    from deployer.model.field import Field
    from deployer.model.secret import SecretFile


@dataclass(frozen=True)
class EngineMissing(OfMachine):
    node: str
    method: Literal["distro", "docker"]
    cause: Cause = Cause.NOT_FOUND


@dataclass(frozen=True)
class DaemonJson(OfMachine):
    """daemon.json differs: it has to contain `text`. `effect` is what makes the engine read it (dockerd(8), "configuration reloading")."""

    node: str
    text: str
    fields: tuple[Field, ...]
    effect: Literal["none", "reload", "restart"]
    cause: Cause = Cause.CHANGED


@dataclass(frozen=True)
class ContainerDiffers(OfMachine):
    """A container of the machine itself that is missing, stopped, or made from another definition."""

    node: str
    name: str
    image: str
    body: Mapping[str, Any]
    cause: Cause
    role: Literal["server", "agent", "registrator"] = "server"
    """What it is: one of Consul's servers, a client agent of Consul, the registrator."""
    files: tuple[SecretFile, ...] = ()
    """What it is given before it starts, and no plan shows."""
    leaves: str = ""
    """Of a registrator that is to register elsewhere: the Consul that has what it registered until now."""


@dataclass(frozen=True)
class ContainerSurplus(OfMachine):
    """A container of ours that the machine's file does not ask for any more; `joins` is the Consul that it is part of, or registers at."""

    node: str
    name: str
    role: str
    joins: str = ""
    cause: Cause = Cause.GONE


MachineChange = EngineMissing | DaemonJson | ContainerDiffers | ContainerSurplus


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
    if any(address == node.address for _, address in machine.interfaces):
        return node.address
    return by_interface.get(machine.default_interface, "127.0.0.1" if node.local else None)


def no_address(node: Node, therefore: str) -> Blocked:
    """The obstacle where `advertise_address` finds none; `therefore` says what cannot be done for that reason."""
    what = f"it has no interface {node.advertise}" if node.advertise else "none of its addresses is known"
    return Blocked(
        node.name, f"{what}, so {therefore}", f"set `advertise` in {node.path} to one of its interfaces or addresses"
    )


def diff_engines(cluster: Cluster, observed: Observed) -> Diff:
    """Engines that are missing or silent, and daemon.json."""
    changes: list[Change] = []
    blocked: list[Blocked] = []
    unchanged = 0
    for node in cluster.nodes:
        machine = observed.machines[node.name]
        if isinstance(machine, Unreachable):
            blocked.append(Blocked(node.name, machine.reason, machine.help, unreachable=True))
            continue
        found, obstacle = _engine_changes(node, machine)
        changes += found
        if obstacle:
            blocked.append(obstacle)
        elif not found:
            unchanged += 1
    return Diff(tuple(changes), tuple(blocked), unchanged)


def usable(node: Node, machine: Machine) -> bool:
    """Whether the machine has an engine that answers, or gets one by these changes. Nothing is known of an engine that is silent."""
    return isinstance(machine.engine, Engine) or (machine.engine is None and _engine_changes(node, machine)[1] is None)


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
    except (ValueError, RecursionError) as error:
        return [], Blocked(
            node.name,
            f"its /etc/docker/daemon.json is no JSON object: {error}",
            "mend or remove that file; deployer merges, it never overwrites",
        )
    if machine.engine is None and node.engine.install != "none":
        changes.append(EngineMissing(node.name, node.engine.install))
    if config:
        changes.append(config)
    if machine.engine is None and changes and (wrong := wrong_clock(node, machine)):
        return [], wrong
    if changes and not machine.privileged:
        return [], Blocked(
            node.name,
            "its user is not root and sudo asks for a password",
            "`ssh: {sudo: password}` has it asked for; or allow passwordless sudo for it",
        )
    return changes, None


CLOCK_SECONDS: Final = 1800.0
"""Certificates of a swarm are valid from an hour before they are made (swarmkit, ca/certificates.go); half of it is no accident."""


def wrong_clock(node: Node, machine: Machine) -> Blocked | None:
    """The obstacle where the machine's clock is so far off that certificates and signed package lists are not valid there; else None."""
    off = machine.clock_ahead
    if abs(off) < CLOCK_SECONDS:
        return None
    hours = f"{abs(off) / 3600:.0f} h" if abs(off) >= 3600 else f"{abs(off) / 60:.0f} min"
    return Blocked(
        node.name,
        f"its clock is {hours} {'ahead' if off > 0 else 'behind'}: certificates and signed packages are not valid there",
        "set it: `timedatectl set-ntp true` there, or `date -s`",
    )


def merge(present: Mapping[str, Any], wanted: Mapping[str, Any]) -> dict[str, Any]:
    """The new daemon.json. Objects are merged key by key; other values are git's; keys that git does not name stay."""
    merged = dict(present)
    for key, value in wanted.items():
        here = present.get(key)
        merged[key] = merge(here, value) if isinstance(here, Mapping) and isinstance(value, Mapping) else value
    return merged


def _daemon_change(node: Node, machine: Machine) -> DaemonJson | None:
    if machine.engine is not None and not node.engine.daemon:
        return None  # nothing of ours is in it, whatever it holds
    # dockerd takes an empty file for an empty object (moby, daemon/config/config.go)
    present = json.loads((machine.daemon_json or "").strip() or "{}")
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


def _is_address(text: str) -> bool:
    try:
        ipaddress.ip_address(text)
    except ValueError:
        return False
    return True
