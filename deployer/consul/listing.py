"""Ask for a cluster's services: the first server that answers."""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING

from deployer.consul.catalogue import ConsulError
from deployer.consul.servers import reach
from deployer.consul.services import ServiceCatalogue
from deployer.errors import DeployerError, TimedOutError, UnreachableError, UsageError
from deployer.model.nearest import did_you_mean
from deployer.model.services import Services

if TYPE_CHECKING:
    from collections.abc import Sequence

    from deployer.model.cluster import Cluster
    from deployer.remote import Link


async def list_services(cluster: Cluster, link: Link, names: Sequence[str]) -> Services:
    """The services of those `names`, or all. Errors: deployer.running.services."""
    if cluster.consul is None:
        raise UsageError(
            f"cluster {cluster.name} has no Consul, so there is no catalogue of services",
            help="`consul: {}` in cluster/cluster.yaml, and `consul: server` in a machine's file",
        )
    with contextlib.closing(await reach(cluster, link, ServiceCatalogue)) as catalogue:
        try:
            instances = await catalogue.instances()
        except (ConsulError, TimedOutError) as error:
            raise UnreachableError(f"Consul cannot be asked: {error.message}") from None
    known = {instance.service for instance in instances}
    for name in names:
        if name not in known:
            help_ = did_you_mean(name, sorted(known), "deployer services shows all")
            raise DeployerError(f"the catalogue has no service {name!r}", help=help_)
    return Services(cluster.name, tuple(one for one in instances if not names or one.service in names))
