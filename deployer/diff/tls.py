"""Engines that listen for TLS, or are to.

A certificate that is about to end is no difference: a new one restarts the engine, which is for `machine regenerate-certs` to do,
one machine after the other. One of another authority is none either: two users with an authority each would lock each other out.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from deployer.diff.cause import Cause
from deployer.diff.change import Blocked, Diff
from deployer.diff.machines import advertise_address, usable
from deployer.model.field import Field
from deployer.model.observed import Machine, Observed
from deployer.model.subject import OfMachine
from deployer.model.tls import listening

if TYPE_CHECKING:
    from deployer.diff.changes import Change
    from deployer.model.cluster import Cluster, Node


@dataclass(frozen=True)
class TlsDiffers(OfMachine):
    """The engine is to listen for TLS, with a certificate for `names`, and does not, or otherwise."""

    node: str
    names: tuple[str, ...]
    arguments: str
    cause: Cause
    fields: tuple[Field, ...] = ()


@dataclass(frozen=True)
class TlsSurplus(OfMachine):
    """It listens for TLS by our doing, and git does not say so any more."""

    node: str
    cause: Cause = Cause.GONE


TlsChange = TlsDiffers | TlsSurplus


LOOPBACK = ("localhost", "127.0.0.1")


def tls_names(node: Node, machine: Machine) -> tuple[str, ...]:
    """What its certificate is for: its name, where SSH and where the other machines reach it, and what a tunnel leads to."""
    return tuple(dict.fromkeys((node.name, node.address, advertise_address(node, machine) or node.address, *LOOPBACK)))


def diff_tls(cluster: Cluster, observed: Observed) -> Diff:
    """Engines that are to listen for TLS and do not, or otherwise, or are not to and do."""
    changes: list[Change] = []
    blocked: list[Blocked] = []
    for node in cluster.nodes:
        machine = observed.machines[node.name]
        if not isinstance(machine, Machine) or not usable(node, machine):
            continue
        change = _change(node, machine)
        if change is None:
            continue
        obstacle = _obstacle(cluster, observed, node, machine, change)
        if obstacle:
            blocked.append(obstacle)
        else:
            changes.append(change)
    return Diff(tuple(changes), tuple(blocked))


def _change(node: Node, machine: Machine) -> TlsDiffers | TlsSurplus | None:
    live = machine.tls
    if not node.tls:
        return TlsSurplus(node.name) if live else None
    names, arguments = tls_names(node, machine), listening(node.address)
    if live is None:
        return TlsDiffers(node.name, names, arguments, Cause.NOT_FOUND)
    fields = []
    if set(names) != set(live.names):
        fields.append(Field("certificate", sorted(live.names), sorted(names)))
    if live.command != f"{live.stock} {arguments}":
        fields.append(Field("ExecStart", live.command, f"{live.stock} {arguments}"))
    return TlsDiffers(node.name, names, arguments, Cause.CHANGED, tuple(fields)) if fields else None


def _obstacle(
    cluster: Cluster, observed: Observed, node: Node, machine: Machine, change: TlsDiffers | TlsSurplus
) -> Blocked | None:
    if not machine.privileged:
        return Blocked(
            node.name,
            "its user is not root and sudo asks for a password",
            "allow passwordless sudo for it, or set ssh.user to one who has it",
        )
    if isinstance(change, TlsSurplus):
        return None
    other = next((name for name, one in sorted(observed.machines.items()) if is_foreign(cluster, one)), "")
    if other:
        return Blocked(
            node.name,
            f"it would get a certificate of another authority than {other} has",
            f"copy ~/.local/share/deployer/tls/{cluster.name} from whoever set up {other}",
        )
    return None


def is_foreign(cluster: Cluster, machine: object) -> bool:
    """Whether it listens with the certificate of an authority that this user does not have."""
    live = machine.tls if isinstance(machine, Machine) else None
    return live is not None and bool(live.authorities) and not set(live.authorities) & set(cluster.authorities)
