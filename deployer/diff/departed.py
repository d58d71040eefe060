"""Removals of machines, and of what is on machines, that git does not have any more.

A machine whose file is gone cannot be reached: it goes from the swarm's list and from Consul's catalogue, and whatever is on it
stays there. What could not be read is not gone: while a machine of git does not answer and no member of the swarm has
its name, a member of another name may be that one.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from deployer.diff.change import Blocked, Diff, Kept
from deployer.diff.consul import META_CLUSTER, EntrySurplus, server_addresses
from deployer.diff.machines import ContainerSurplus
from deployer.diff.registrator import ROLE, ImageSurplus
from deployer.diff.swarm import MemberSurplus
from deployer.model import labels
from deployer.model.observed import Container, Engine, Machine, Member, Observed, Unreachable

if TYPE_CHECKING:
    from collections.abc import Sequence

    from deployer.diff.changes import Change
    from deployer.model.cluster import Cluster, Node


def diff_departed(cluster: Cluster, observed: Observed) -> Diff:
    """Members, entries in the catalogue, containers of ours, old images of ours."""
    gone = _gone(cluster, observed)
    entries = _entries(cluster, observed)
    containers = [one for node in cluster.nodes for one in _containers(cluster, node, observed.machines[node.name])]
    images = [one for node in cluster.nodes for one in _images(cluster, node, observed.machines[node.name])]
    if not cluster.policy.prune:
        names = sorted({*(name for name, _ in gone), *(entry.node for entry in entries)})
        subjects = [*(f"machine {name}" for name in names), *(f"{one.name} on {one.node}" for one in containers)]
        return Diff((), kept=tuple(Kept(subject, "`policy: {prune: false}`") for subject in subjects))
    doubt = _doubt(cluster, observed)
    if doubt and gone:
        why = f"{doubt} does not answer, and it may be that one under another name"
        kept = tuple(Kept(f"machine {name}", why) for name, _ in gone)
        return Diff((*containers, *images), kept=kept)
    blocked = _quorum([name for name, member in gone if member.role == "manager"], gone, observed)
    stay = {obstacle.subject for obstacle in blocked}
    members = [MemberSurplus(name, one.id, one.role, one.state) for name, one in gone if name not in stay]
    changes: list[Change] = [*members, *(one for one in entries if one.node not in stay), *containers, *images]
    return Diff(tuple(changes), tuple(blocked))


def _gone(cluster: Cluster, observed: Observed) -> list[tuple[str, Member]]:
    """Members that carry this cluster's label and are no machine of git, with the name that git had for each."""
    names = {node.name for node in cluster.nodes}
    present = {engine.membership.node_id for node in cluster.nodes if (engine := _engine(observed.machines[node.name]))}
    members = observed.members
    return sorted(
        (
            (member.labels.get(labels.NODE, ""), member)
            for member in members
            if member.labels.get(labels.CLUSTER) == cluster.name
            and member.labels.get(labels.NODE, "") not in {*names, ""}
            and member.id not in present
        ),
        key=lambda found: (found[0], found[1].id),
    )


def _doubt(cluster: Cluster, observed: Observed) -> str:
    """The name of a machine of git that does not answer and that the swarm does not know by name; empty where there is none."""
    known = {member.labels.get(labels.NODE) for member in observed.members}
    silent = (node.name for node in cluster.nodes if _engine(observed.machines[node.name]) is None)
    unknown = (name for name in silent if name not in known and not _bare(observed.machines[name]))
    return next(unknown, "")


def _bare(machine: Machine | Unreachable) -> bool:
    """Whether it is known to have no engine at all."""
    return isinstance(machine, Machine) and machine.engine is None


def _engine(machine: Machine | Unreachable) -> Engine | None:
    return machine.engine if isinstance(machine, Machine) and isinstance(machine.engine, Engine) else None


def _quorum(managers: Sequence[str], gone: Sequence[tuple[str, Member]], observed: Observed) -> list[Blocked]:
    """More than half of the managers that stay have to answer: with fewer, a swarm takes no orders (raft)."""
    ids = {member.id for _, member in gone}
    members = observed.members
    stay = [member for member in members if member.role == "manager" and member.id not in ids]
    ready = sum(member.state == "ready" for member in stay)
    if not managers or 2 * ready > len(stay):
        return []
    reason = f"it is not in git any more, and {ready} of the {len(stay)} managers that stay answer"
    return [Blocked(name, reason, "bring them back, or make other machines managers first") for name in managers]


def _entries(cluster: Cluster, observed: Observed) -> list[EntrySurplus]:
    names = {node.name for node in cluster.nodes}
    via = next(iter(server_addresses(cluster, observed)), "")
    if cluster.consul is None or not via or not isinstance(observed.catalogue, tuple):
        return []
    ours = [entry.name for entry in observed.catalogue if entry.meta.get(META_CLUSTER) == cluster.name]
    return [EntrySurplus(name, via) for name in sorted(set(ours) - names)]


def _containers(cluster: Cluster, node: Node, machine: Machine | Unreachable) -> list[ContainerSurplus]:
    """Consul's and the registrator's, on a machine whose file does not say so any more."""
    engine = _engine(machine)
    wanted = {"consul": bool(cluster.consul and node.consul), ROLE: cluster.registrator is not None}
    present = [one for one in (engine.containers if engine else ()) if not wanted.get(_role(one), True)]
    return [
        ContainerSurplus(node.name, one.name, _kind(one), one.labels.get(labels.JOINS, ""))
        for one in sorted(present, key=lambda one: _role(one) == "consul")
    ]


def _role(container: Container) -> str:
    return container.labels.get(labels.ROLE, "")


def _kind(container: Container) -> str:
    return "Consul" if _role(container) == "consul" else "registrator"


def _images(cluster: Cluster, node: Node, machine: Machine | Unreachable) -> list[ImageSurplus]:
    """Earlier ones of our own registrator: each is as large as the program with its libraries."""
    engine = _engine(machine)
    if engine is None or cluster.registrator is None or cluster.registrator.image:
        return []
    return [ImageSurplus(node.name, image) for image in engine.images if image != cluster.registrator_image]
