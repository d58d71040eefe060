"""Consul's containers: its servers, and client agents on other machines. A machine in, its change out."""

from __future__ import annotations

import hashlib
import json
from typing import TYPE_CHECKING, Any, Final

from deployer.diff.change import Cause, ContainerDiffers
from deployer.diff.machines import advertise_address, usable
from deployer.model import labels
from deployer.model.observed import Container, Engine, Machine, Observed
from deployer.model.secret import Secret, SecretFile

if TYPE_CHECKING:
    from collections.abc import Mapping

    from deployer.model.cluster import Cluster, Node

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
    cluster: Cluster, node: Node, machine: Machine, addresses: Mapping[str, str], commit: str
) -> ContainerDiffers | None:
    """What is to be done with the machine's Consul; `addresses` are those of the servers that are known, by name.

    The other servers' addresses are not compared: each is told of changes by the others, and one that cannot be reached
    now must not restart all others. Only a container that knows none of today's servers is made anew.
    """
    address = advertise_address(node, machine)
    assert address is not None and node.consul is not None  # noqa: PT018, S101 - the caller has looked
    others = sorted(there for name, there in addresses.items() if name != node.name)
    body = consul_body(cluster, node, address, commit, others)
    engine = machine.engine if isinstance(machine.engine, Engine) else None
    cause = container_cause(present(engine, "consul"), body, engine)
    if cause is None and engine and others and not set(others) & _joins(present(engine, "consul")):
        cause = Cause.CHANGED
    if cause is None:
        return None
    return ContainerDiffers(node.name, CONTAINER, body["Image"], body, cause, node.consul, secret_files(cluster, node))


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
    """Why the container is to be made anew; None where it is as `body` says and runs."""
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
    assert cluster.consul is not None  # noqa: S101 - the caller has looked
    all_servers = [server.name for server in servers(cluster)]
    server = [
        "-server", f"-bootstrap-expect={len(all_servers)}", "-ui", "-hcl=performance { raft_multiplier = 1 }",
        f"-client=127.0.0.1 {address}",
    ]  # fmt: skip
    definition: dict[str, Any] = {
        "Image": cluster.consul.image,
        "Cmd": [
            "agent", *(server if node.consul_server else ["-client=127.0.0.1"]),
            f"-node={node.name}", f"-datacenter={cluster.consul.datacenter}", f"-bind={address}", f"-advertise={address}",
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
