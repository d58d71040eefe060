"""Consul: its server container, and every machine in its catalogue."""

from __future__ import annotations

import hashlib
import json
from typing import TYPE_CHECKING, Any, Final

from deployer.diff.body import fields
from deployer.diff.change import Blocked, Cause, Change, ContainerDiffers, Diff, NotRegistered
from deployer.diff.machines import advertise_address
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
    """Consul's server and the machines it should know. Nothing where the cluster has no `consul:` section."""
    if cluster.consul is None:
        return Diff(())
    changes: list[Change] = []
    blocked: list[Blocked] = []
    unchanged = 0
    entries = observed.catalogue
    if isinstance(entries, Unreachable):
        blocked.append(Blocked("consul", f"its catalogue cannot be read: {entries.reason}", entries.help))
    for node in cluster.nodes:
        machine = observed.machines[node.name]
        if not isinstance(machine, Machine):
            continue
        address = advertise_address(node, machine)
        if address is None:
            blocked.append(_no_address(node))
            continue
        if node.consul_server:
            found = _server(cluster, node, machine, address, commit)
        elif isinstance(entries, Unreachable):
            continue
        else:
            known = next((entry for entry in entries or () if entry.name == node.name), None)
            found = _registration(cluster, node, machine, address, known, commit)
        changes += found
        unchanged += not found
    return Diff(tuple(changes), tuple(blocked), unchanged)


def meta(cluster: Cluster, node: Node, machine: Machine, commit: str) -> dict[str, str]:
    """A machine's Meta in the catalogue; a placeholder where the engine, and so its version, is yet to come."""
    engine = machine.engine.version if isinstance(machine.engine, Engine) else labels.ENGINE_VERSION
    return {META_CLUSTER: cluster.name, META_ROLE: node.role, META_COMMIT: commit, META_ENGINE: engine}


def _registration(
    cluster: Cluster, node: Node, machine: Machine, address: str, known: CatalogueNode | None, commit: str
) -> list[Change]:
    wanted = meta(cluster, node, machine, commit)
    if known is None:
        return [NotRegistered(node.name, address, wanted, (), Cause.NOT_FOUND)]
    old = {
        "address": known.address,
        "meta": {key: known.meta[key] for key in wanted if key in known.meta and key != META_COMMIT},
    }
    new = {"address": address, "meta": {key: value for key, value in wanted.items() if key != META_COMMIT}}
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
    return Blocked(
        node.name, "none of its addresses is known, so Consul cannot name it", f"set `advertise` in {node.path}"
    )
