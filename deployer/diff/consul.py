"""Consul: its servers and agents, and the machines in its catalogue."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from deployer.diff.cause import Cause
from deployer.diff.change import Blocked, Diff
from deployer.diff.fields import fields
from deployer.diff.machines import ContainerDiffers, advertise_address, no_address, usable
from deployer.model import labels
from deployer.model.cluster import Consul
from deployer.model.observed import CatalogueNode, Container, Engine, Machine, Observed, Unreachable
from deployer.model.secret import Secret, SecretFile
from deployer.model.subject import OfMachine

if TYPE_CHECKING:
    from collections.abc import Mapping

    from deployer.diff.changes import Change
    from deployer.model.cluster import Cluster, Node
    from deployer.model.field import Field


@dataclass(frozen=True)
class NotRegistered(OfMachine):
    """A machine that Consul's catalogue does not have, or has with other data. `meta` has no engine version while that is not known."""

    node: str
    address: str
    meta: Mapping[str, str]
    fields: tuple[Field, ...]
    cause: Cause


@dataclass(frozen=True)
class EntrySurplus(OfMachine):
    """A machine in Consul's catalogue whose file is gone; `via` is a server that can be asked."""

    node: str
    via: str
    cause: Cause = Cause.GONE


ConsulChange = NotRegistered | EntrySurplus


CONTAINER: Final = "deployer-consul"
VOLUME: Final = "deployer-consul-data"
SECRETS: Final = "/consul/config/deployer.json"
META_ROLE: Final = "deployer-swarm"
META_CLUSTER: Final = "deployer-cluster"
META_ENGINE: Final = "docker-version"
META_COMMIT: Final = "deployer-commit"
"""The commit that last changed the registration; not compared (Consul's names for meta keys allow no dots)."""


def servers(cluster: Cluster) -> tuple[Node, ...]:
    """The machines that are to run Consul's servers, by name."""
    return tuple(node for node in cluster.nodes if node.consul_server)


def server_addresses(cluster: Cluster, observed: Observed) -> dict[str, str]:
    """Advertise addresses of the servers' machines, by name, as far as they can be used and their address is known."""
    known: dict[str, str] = {}
    for node in servers(cluster):
        machine = observed.machines[node.name]
        if isinstance(machine, Machine) and usable(node, machine):
            address = advertise_address(node, machine)
            known |= {node.name: address} if address else {}
    return known


def container_change(
    cluster: Cluster, node: Node, machine: Machine, address: str, addresses: Mapping[str, str], commit: str
) -> ContainerDiffers | None:
    """What is to be done with the machine's Consul; `addresses` are those of the servers that are known, by name.

    The other servers' addresses are not compared: each is told of changes by the others, and one that cannot be reached
    now must not restart all others. Only a container that knows none of today's servers is made anew.
    """
    others = sorted(there for name, there in addresses.items() if name != node.name)
    body = consul_body(cluster, node, address, commit, others)
    engine = machine.engine if isinstance(machine.engine, Engine) else None
    cause = container_cause(present(engine, "consul"), body, engine)
    if cause is None and engine and others and not set(others) & _joins(present(engine, "consul")):
        cause = Cause.CHANGED
    if cause is None:
        return None
    return ContainerDiffers(
        node.name, CONTAINER, body["Image"], body, cause, node.consul or "agent", secret_files(cluster, node)
    )


def secret_files(cluster: Cluster, node: Node) -> tuple[SecretFile, ...]:
    """Consul's configuration as far as it is secret: the gossip key, and the ACL system with its one token.

    `master` is what 1.4 to 1.10 call the token that is valid from the start; newer ones call it `initial_management` and take
    the old word as well (consul, agent/config/deprecated.go), which the old ones do not the other way round.
    """
    secrets, configuration = cluster.secrets, dict[str, Any]()
    if secrets.gossip_key:
        configuration["encrypt"] = secrets.gossip_key.reveal()
    if secrets.token:
        token = secrets.token.reveal()
        tokens = {"agent": token} | ({"master": token} if node.consul_server else {})
        configuration["acl"] = {"enabled": True, "default_policy": "deny", "tokens": tokens}
    return (SecretFile(SECRETS, Secret(json.dumps(configuration))),) if configuration else ()


def present(engine: Engine | None, role: str) -> Container | None:
    """The container of that role which this cluster runs on the machine."""
    containers = engine.containers if engine else ()
    return next((container for container in containers if container.labels.get(labels.ROLE) == role), None)


def container_cause(there: Container | None, body: Mapping[str, Any], engine: Engine | None) -> Cause | None:
    """Why the container has to be created again; None where it runs and is as `body` says."""
    if there is None or engine is None:
        return Cause.NOT_FOUND
    wanted = body["Labels"]
    if there.labels.get(labels.HASH) != wanted[labels.HASH]:
        return Cause.IMAGE if there.image not in {"", body["Image"]} else Cause.CHANGED
    if labels.ENGINE in wanted and there.labels.get(labels.ENGINE) != engine.version:
        return Cause.CHANGED
    return None if there.state == "running" else Cause.NOT_RUNNING


def _joins(container: Container | None) -> set[str]:
    return set(container.labels.get(labels.JOINS, "").split(",")) if container else set()


def consul_body(
    cluster: Cluster, node: Node, address: str, commit: str, others: list[str] | tuple[str, ...] = ()
) -> dict[str, Any]:
    """The body for `containers/create` of a server or agent; `others` are addresses of (other) servers.

    A server listens on the loopback and on the advertise address only, never on the public one; an agent on the loopback.
    A node's Meta is given to its agent and not written to the catalogue, where anti-entropy would undo it within a minute
    (developer.hashicorp.com/consul, "Anti-entropy enforcement"). The raft multiplier is the one that Consul's own
    documentation advises for production ("Server performance"); with its default an election takes five times as long.
    """
    consul = cluster.consul or Consul()
    all_servers = [server.name for server in servers(cluster)]
    server = [
        "-server", f"-bootstrap-expect={len(all_servers)}", "-ui", "-hcl=performance { raft_multiplier = 1 }",
        f"-client=127.0.0.1 {address}",
    ]  # fmt: skip
    definition: dict[str, Any] = {
        "Image": consul.image,
        "Cmd": [
            "agent", *(server if node.consul_server else ["-client=127.0.0.1"]),
            f"-node={node.name}", f"-datacenter={consul.datacenter}", f"-bind={address}", f"-advertise={address}",
            # Servers that start together find each other at once, and not after the 30 s that are Consul's own.
            "-retry-interval=1s",
            f"-node-meta={META_CLUSTER}:{cluster.name}", f"-node-meta={META_ROLE}:{node.role}",
        ],
        "HostConfig": {
            "NetworkMode": "host",
            "RestartPolicy": {"Name": "always"},
            "Binds": [f"{VOLUME}:/consul/data"],
        },
    }  # fmt: skip
    compared = definition | {"Servers": all_servers}
    compared |= {"Secrets": cluster.secrets.digest} if cluster.secrets.digest else {}
    told = [
        *(f"-retry-join={other}" for other in others),
        f"-node-meta={META_COMMIT}:{commit}",
        f"-node-meta={META_ENGINE}:{labels.ENGINE_VERSION}",
    ]
    return definition | {
        "Cmd": definition["Cmd"] + told,
        "Labels": {
            labels.CLUSTER: cluster.name,
            labels.ROLE: "consul",
            labels.HASH: hash_of_container(compared),
            labels.COMMIT: commit,
            labels.ENGINE: labels.ENGINE_VERSION,
            labels.JOINS: ",".join(others),
            "SERVICE_IGNORE": "true",  # its own ports are no services of anybody's
        },
    }


def hash_of_container(definition: Mapping[str, Any]) -> str:
    text = json.dumps(definition, sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()[:16]


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
            change = container_change(cluster, node, machine, address, addresses, commit)
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
            "consul",
            f"its machine {server.name} has no engine that answers",
            f"solve what the plan says of {server.name} first",
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
