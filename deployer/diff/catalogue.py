"""Consul: its server container, and every machine in its catalogue."""

from __future__ import annotations

import hashlib
import json
from typing import TYPE_CHECKING, Any, Final

from deployer.diff.body import fields
from deployer.diff.change import Blocked, Cause, Change, ContainerDiffers, Diff, NotRegistered
from deployer.diff.machines import advertise_address, usable
from deployer.model import labels
from deployer.model.observed import CatalogueNode, Container, Engine, Machine, Observed, Unreachable

if TYPE_CHECKING:
    from deployer.model.cluster import Cluster, Node

CONTAINER: Final = "deployer-consul"
VOLUME: Final = "deployer-consul-data"
META_ROLE: Final = "deployer-swarm"
META_CLUSTER: Final = "deployer-cluster"
META_ENGINE: Final = "docker-version"
META_COMMIT: Final = "deployer-commit"
"""The commit that last changed the registration; not compared (Consul's names for meta keys allow no dots)."""


def diff_catalogue(cluster: Cluster, observed: Observed, commit: str) -> Diff:
    """Consul's server and the machines it should know. Nothing where the cluster has no `consul:` section.

    A catalogue that cannot be read is not an empty one: nothing is registered while the server's machine is
    unreachable. Where the server runs and does not answer yet (it has no leader in its first seconds, and a run may
    have been killed in them), everything is registered anew, which changes nothing that is right.
    """
    if cluster.consul is None:
        return Diff(())
    server = next((node for node in cluster.nodes if node.consul_server), None)
    if server is None:
        return Diff(
            (), (Blocked("consul", "no machine is its server", "set `consul: server` in one file of cluster/nodes/"),)
        )
    unreadable = _unreadable(server, observed)
    changes: list[Change] = []
    blocked: list[Blocked] = [unreadable] if unreadable else []
    unchanged = 0
    for node in cluster.nodes:
        machine = observed.machines[node.name]
        if not isinstance(machine, Machine) or not usable(node, machine):
            continue  # diff_engines says so
        address = advertise_address(node, machine)
        if address is None:
            # Of machines in the swarm diff_swarm says so.
            blocked += [_no_address(node)] if node.role == "none" else []
            continue
        if node.consul_server:
            found = _server(cluster, node, machine, address, commit)
        elif unreadable:
            continue
        else:
            found = _registration(cluster, node, machine, address, observed.catalogue, commit)
        changes += found
        unchanged += not found
    return Diff(tuple(changes), tuple(blocked), unchanged)


def _unreadable(server: Node, observed: Observed) -> Blocked | None:
    machine = observed.machines[server.name]
    if isinstance(machine, Unreachable):
        return Blocked("consul", f"its machine {server.name} is unreachable", "bring it back", unreachable=True)
    if not usable(server, machine):
        return Blocked(
            "consul", f"its machine {server.name} has no engine that answers", "mend what is said of that machine"
        )
    if advertise_address(server, machine) is None:
        return Blocked("consul", f"its machine {server.name} has no known address", f"set `advertise` in {server.path}")
    return None


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
) -> list[Change]:
    wanted = meta(cluster, node, machine, commit)
    if isinstance(catalogue, Unreachable):
        return [NotRegistered(node.name, address, wanted, (), Cause.UNKNOWN)]
    known = next((entry for entry in catalogue or () if entry.name == node.name), None)
    if known is None:
        return [NotRegistered(node.name, address, wanted, (), Cause.NOT_FOUND)]
    compared = wanted.keys() - {META_COMMIT}
    old = {"address": known.address, "meta": {key: known.meta[key] for key in compared if key in known.meta}}
    new = {"address": address, "meta": {key: wanted[key] for key in compared}}
    differing = fields(old, new)
    return [NotRegistered(node.name, address, wanted, differing, Cause.CHANGED)] if differing else []


def _server(cluster: Cluster, node: Node, machine: Machine, address: str, commit: str) -> list[Change]:
    body = server_body(cluster, node, address, commit)
    present: Container | None = None
    if isinstance(machine.engine, Engine):
        present = next((c for c in machine.engine.containers if c.labels.get(labels.ROLE) == "consul"), None)
    cause = None
    if present is None or not isinstance(machine.engine, Engine):
        cause = Cause.NOT_FOUND
    elif (
        present.labels.get(labels.HASH) != body["Labels"][labels.HASH]
        or present.labels.get(labels.ENGINE) != machine.engine.version
    ):
        cause = Cause.CHANGED
    elif present.state != "running":
        cause = Cause.NOT_RUNNING
    return [ContainerDiffers(node.name, CONTAINER, body["Image"], body, cause)] if cause else []


def server_body(cluster: Cluster, node: Node, address: str, commit: str) -> dict[str, Any]:
    """The body for `containers/create` of Consul's server.

    It listens on the loopback and on the advertise address only, never on the public one. Its own node's Meta is given
    to the agent and not written to the catalogue, where anti-entropy would undo it within a minute
    (developer.hashicorp.com/consul, "Anti-entropy enforcement"). The raft multiplier is the one that Consul's own
    documentation advises for production ("Server performance"); with its default an election takes five times as long.
    """
    assert cluster.consul is not None  # noqa: S101 - the caller has looked
    definition: dict[str, Any] = {
        "Image": cluster.consul.image,
        "Cmd": [
            "agent", "-server", "-bootstrap-expect=1", "-ui", f"-node={node.name}", f"-datacenter={cluster.consul.datacenter}",
            f"-bind={address}", f"-advertise={address}", f"-client=127.0.0.1 {address}",
            "-hcl=performance { raft_multiplier = 1 }",
            f"-node-meta={META_CLUSTER}:{cluster.name}", f"-node-meta={META_ROLE}:{node.role}",
        ],
        "HostConfig": {
            "NetworkMode": "host",
            "RestartPolicy": {"Name": "always"},
            "Binds": [f"{VOLUME}:/consul/data"],
        },
    }  # fmt: skip
    text = json.dumps(definition, sort_keys=True, separators=(",", ":"))
    told = [f"-node-meta={META_COMMIT}:{commit}", f"-node-meta={META_ENGINE}:{labels.ENGINE_VERSION}"]
    return definition | {
        "Cmd": definition["Cmd"] + told,
        "Labels": {
            labels.CLUSTER: cluster.name,
            labels.ROLE: "consul",
            labels.HASH: hashlib.sha256(text.encode()).hexdigest()[:16],
            labels.COMMIT: commit,
            labels.ENGINE: labels.ENGINE_VERSION,
        },
    }


def _no_address(node: Node) -> Blocked:
    what = f"it has no interface {node.advertise}" if node.advertise else "none of its addresses is known"
    return Blocked(
        node.name,
        f"{what}, so Consul cannot name it",
        f"set `advertise` in {node.path} to one of its interfaces or addresses",
    )
