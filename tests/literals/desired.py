"""What git says: machines, the cluster, the sources of stacks."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from deployer.model.cluster import Availability, Cluster, Consul, ConsulRole, Engine, Install, Node, Role, Ssh
from deployer.model.desired import Desired
from deployer.model.stack import StackSettings, StackSource

CLUSTER = "sandbox"
COMMIT = "0123456789abcdef0123456789abcdef01234567"
SHORT = "0123456789"
EARLIER = "fedcba9876543210fedcba9876543210fedcba98"


def make_node(
    name: str,
    role: Role = "worker",
    *,
    address: str = "192.0.2.1",
    advertise: str | None = "eth0",
    labels: Mapping[str, str] | None = None,
    availability: Availability = "active",
    consul: ConsulRole | None = None,
    ssh: Ssh | None = None,
    install: Install = "distro",
    daemon: Mapping[str, Any] | None = None,
    tls: bool = False,
) -> Node:
    """A machine as its file defines it."""
    return Node(
        name=name,
        address=address,
        role=role,
        advertise=advertise,
        labels=tuple(sorted((labels or {}).items())),
        availability=availability,
        consul=consul,
        ssh=ssh or Ssh(),
        engine=Engine(install=install, daemon=dict(daemon or {}), tls=tls),
        path=f"cluster/nodes/{name}.yaml",
    )


def make_cluster(*nodes: Node, consul: Consul | None = None, **sections: Any) -> Cluster:
    """`sections` are other fields of a Cluster: `policy`, `proxy`, `registrator`."""
    bare = Cluster(CLUSTER, tuple(sorted(nodes, key=lambda node: node.name)), consul, "")
    return replace(bare, **sections)


def make_source(name: str, *after: str, **settings: Any) -> StackSource:
    """A stack's files; `settings` are those of its `x-deployer` section."""
    section = StackSettings(after=after, **settings)
    return StackSource(name, f"stacks/{name}/compose.yaml", f"stacks/{name}", "compose.yaml", (), section, name)


def make_desired(cluster: Cluster, *sources: StackSource, commit: str = COMMIT) -> Desired:
    return Desired(commit, cluster, tuple(sorted(sources, key=lambda source: source.name)))


ALONE = make_cluster(make_node("master", "manager"))
"""The smallest cluster: one manager. `make_standing()` is how it stands."""
