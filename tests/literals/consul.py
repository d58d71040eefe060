"""The machines' own containers, Consul and the registrator, and entries of the catalogue."""

import json
from collections.abc import Iterable

from deployer.diff.consul import CONTAINER, consul_body
from deployer.diff.registrator import CONTAINER as REGISTRATOR
from deployer.diff.registrator import registrator_body
from deployer.model import labels
from deployer.model.cluster import Cluster
from deployer.model.observed import CatalogueNode, Container
from deployer.model.stack import Body
from tests.literals.desired import CLUSTER, EARLIER
from tests.literals.machines import VERSION


def start_container(name: str, body: Body, version: str = VERSION) -> Container:
    """The container as the executor makes it of a plan's body, on an engine of that version."""
    told = json.loads(json.dumps(dict(body["Labels"])).replace(labels.ENGINE_VERSION, version))
    return Container("c", name, "running", told, body["Image"])


def start_consul(
    cluster: Cluster,
    name: str,
    address: str,
    others: Iterable[str] = (),
    *,
    version: str = VERSION,
) -> Container:
    """Consul as an earlier run started it on machine `name`, told of `others`, the addresses of (other) servers."""
    return start_container(
        CONTAINER, consul_body(cluster, cluster.node(name), address, EARLIER, tuple(others)), version
    )


def start_registrator(cluster: Cluster, name: str, address: str, agent: str) -> Container:
    """The registrator as an earlier run started it on machine `name`; it registers at `agent`, the address of a Consul."""
    return start_container(REGISTRATOR, registrator_body(cluster, cluster.node(name), address, agent, EARLIER))


def make_entry(name: str, address: str, role: str = "worker") -> CatalogueNode:
    """A machine as an earlier run registered it in the catalogue."""
    meta = {"deployer-cluster": CLUSTER, "deployer-swarm": role, "docker-version": VERSION}
    return CatalogueNode(name, address, meta)
