"""Consul: its containers, and every machine in its catalogue."""

from __future__ import annotations

from typing import TYPE_CHECKING

from deployer.diff.change import Blocked, Cause, Change, Diff, NotRegistered
from deployer.diff.consul import (
    META_CLUSTER,
    META_COMMIT,
    META_ENGINE,
    META_ROLE,
    container_change,
    present,
    server_addresses,
    servers,
)
from deployer.diff.fields import fields
from deployer.diff.machines import advertise_address, no_address, usable
from deployer.model import labels
from deployer.model.observed import CatalogueNode, Engine, Machine, Observed, Unreachable

if TYPE_CHECKING:
    from collections.abc import Mapping

    from deployer.model.cluster import Cluster, Node


def diff_catalogue(cluster: Cluster, observed: Observed, commit: str) -> Diff:
    """Consul's servers and agents, and the machines it should know. Nothing where the cluster has no `consul:` section.

    A catalogue that cannot be read is not an empty one: nothing is registered while no server's machine can be
    used. Where the servers run and do not answer yet (they have no leader in their first seconds, and a run may
    have been killed in them), everything is registered anew, which changes nothing that is right. A machine with a server
    or an agent of its own is registered by that.
    """
    if cluster.consul is None:
        return Diff(())
    if not servers(cluster):
        return Diff(
            (), (Blocked("consul", "no machine is its server", "set `consul: server` in one file of cluster/nodes/"),)
        )
    addresses = server_addresses(cluster, observed)
    obstacle = _obstacle(cluster, observed, addresses)
    changes: list[Change] = []
    blocked: list[Blocked] = [obstacle] if obstacle else []
    unchanged = 0
    for node in cluster.nodes:
        machine = observed.machines[node.name]
        if not isinstance(machine, Machine) or not usable(node, machine):
            continue  # diff_engines says so
        address = advertise_address(node, machine)
        if address is None:
            # Of machines in the swarm diff_swarm says so.
            blocked += [no_address(node, "Consul cannot name it")] if node.role == "none" else []
            continue
        change: Change | None
        if obstacle:
            continue
        if node.consul:
            change = container_change(cluster, node, machine, addresses, commit)
        else:
            change = _registration(cluster, node, machine, address, observed.catalogue, commit)
        changes += [change] if change else []
        unchanged += not change
    return Diff(tuple(changes), tuple(blocked), unchanged)


def _obstacle(cluster: Cluster, observed: Observed, addresses: Mapping[str, str]) -> Blocked | None:
    """Why nothing can be registered."""
    wanted = servers(cluster)
    missing = [_unusable(node, observed) for node in wanted if node.name not in addresses]
    begun = any(
        isinstance(machine, Machine) and isinstance(machine.engine, Engine) and present(machine.engine, "consul")
        for machine in (observed.machines[node.name] for node in wanted)
    )
    if missing and (len(missing) == len(wanted) or not begun):
        if len(wanted) == 1:
            return missing[0]
        reason = f"it begins with all of its {len(wanted)} servers, and {missing[0].reason}"
        return Blocked("consul", reason, missing[0].help, unreachable=missing[0].unreachable)
    return None


def _unusable(server: Node, observed: Observed) -> Blocked:
    machine = observed.machines[server.name]
    if isinstance(machine, Unreachable):
        return Blocked("consul", f"its machine {server.name} is unreachable", "bring it back", unreachable=True)
    if not usable(server, machine):
        return Blocked(
            "consul", f"its machine {server.name} has no engine that answers", "mend what is said of that machine"
        )
    return Blocked("consul", f"its machine {server.name} has no known address", f"set `advertise` in {server.path}")


def meta(cluster: Cluster, node: Node, machine: Machine, commit: str) -> dict[str, str]:
    """A machine's Meta in the catalogue; a placeholder where the engine, and so its version, is yet to come."""
    engine = machine.engine.version if isinstance(machine.engine, Engine) else labels.ENGINE_VERSION
    return {META_CLUSTER: cluster.name, META_ROLE: node.role, META_COMMIT: commit, META_ENGINE: engine}


def _registration(
    cluster: Cluster,
    node: Node,
    machine: Machine,
    address: str,
    catalogue: tuple[CatalogueNode, ...] | Unreachable | None,
    commit: str,
) -> Change | None:
    wanted = meta(cluster, node, machine, commit)
    if isinstance(catalogue, Unreachable):
        return NotRegistered(node.name, address, wanted, (), Cause.UNKNOWN)
    known = next((entry for entry in catalogue or () if entry.name == node.name), None)
    if known is None:
        return NotRegistered(node.name, address, wanted, (), Cause.NOT_FOUND)
    compared = wanted.keys() - {META_COMMIT}
    old = {"address": known.address, "meta": {key: known.meta[key] for key in compared if key in known.meta}}
    new = {"address": address, "meta": {key: wanted[key] for key in compared}}
    differing = fields(old, new)
    return NotRegistered(node.name, address, wanted, differing, Cause.CHANGED) if differing else None
