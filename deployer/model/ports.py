"""The ports at which one machine has to reach another."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, Literal

if TYPE_CHECKING:
    from deployer.model.cluster import Cluster, Node, Role

Port = tuple[int, Literal["tcp", "udp"]]

MANAGERS: Final[Port] = (2377, "tcp")
GOSSIP: Final[tuple[Port, ...]] = ((7946, "tcp"), (7946, "udp"))
VXLAN: Final[Port] = (4789, "udp")
"""docs.docker.com, "Create a swarm", "Open protocols and ports between the hosts"."""

SERF: Final[tuple[Port, ...]] = ((8301, "tcp"), (8301, "udp"))
SERVERS: Final[Port] = (8300, "tcp")
CATALOGUE: Final[Port] = (8500, "tcp")
"""developer.hashicorp.com/consul/docs/install/ports"""


def swarm_ports(role: Role) -> tuple[Port, ...]:
    """Where members reach a member of this role."""
    return () if role == "none" else (*((MANAGERS,) if role == "manager" else ()), *GOSSIP, VXLAN)


def ports_between(cluster: Cluster, one: Node, other: Node) -> tuple[Port, ...]:
    """Where `one` has to reach `other`: the swarm's ports between members, Consul's between servers and agents.

    A registrator on a machine without Consul registers at a server, by its HTTP port (deployer.diff.registrator).
    """
    swarm = swarm_ports(other.role) if one.role != "none" else ()
    if other.consul is None:
        return swarm
    if one.consul is not None:
        return (*swarm, *((SERVERS,) if other.consul_server else ()), *SERF)
    return (*swarm, *((CATALOGUE,) if other.consul_server and cluster.registrator else ()))
