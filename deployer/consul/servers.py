"""Which of Consul's servers is asked: the first that answers and knows a leader."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeVar

from deployer.consul.catalogue import Catalogue, ConsulError
from deployer.errors import TimedOutError, UnreachableError
from deployer.remote import ConnectionFailedError

if TYPE_CHECKING:
    from deployer.model.cluster import Cluster
    from deployer.remote import Link

Client = TypeVar("Client", bound=Catalogue)


async def reach(cluster: Cluster, link: Link, kind: type[Client]) -> Client:
    """A client of that `kind` at one of the cluster's servers. Raises UnreachableError that says why there is none."""
    reason = "no machine of the cluster runs it"
    for node in cluster.nodes:
        if not node.consul_server:
            continue
        try:
            client = kind(await link.to(node.name), cluster.secrets.token)
        except ConnectionFailedError as error:
            reason = f"{node.name}: {error.message}"
            continue
        try:
            if await client.leader():
                return client
            reason = f"{node.name}: Consul has no leader"
        except (ConnectionFailedError, ConsulError, TimedOutError) as error:
            reason = f"{node.name}: {error.message}"
        client.close()
    raise UnreachableError(f"Consul cannot be asked: {reason}", help="deployer status shows the machines")
