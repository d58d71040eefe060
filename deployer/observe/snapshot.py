"""The cluster in, one snapshot out: all machines at once, then one manager and Consul's server. Read only."""

from __future__ import annotations

import asyncio
import importlib
import time
from typing import TYPE_CHECKING

from deployer.docker import Engine as EngineApi
from deployer.errors import DeployerError
from deployer.model import labels
from deployer.model.observed import CatalogueNode, Engine, Machine, Observed, Swarm, Unreachable
from deployer.observe.machines import observe_machine
from deployer.observe.swarm import observe_swarm

if TYPE_CHECKING:
    from collections.abc import Mapping

    from deployer.model.cluster import Cluster
    from deployer.remote import Link


async def observe(cluster: Cluster, link: Link) -> Observed:
    """One snapshot. Machines that do not answer are values in it; each costs its own time-out, none holds up another."""
    began = time.monotonic()
    # py-consul costs 0.1 s to import: done in a thread while the machines are being waited for.
    importing = (
        asyncio.create_task(asyncio.to_thread(importlib.import_module, "deployer.consul")) if cluster.consul else None
    )
    names = [node.name for node in cluster.nodes]
    seen = await asyncio.gather(*(observe_machine(link, name, cluster.name) for name in names))
    if importing:
        await importing
    machines = dict(zip(names, seen, strict=True))
    swarm, catalogue = await asyncio.gather(_swarm(cluster, machines, link), _catalogue(cluster, machines, link))
    return Observed(machines, swarm, catalogue, time.monotonic() - began)


async def _swarm(cluster: Cluster, machines: Mapping[str, Machine | Unreachable], link: Link) -> Swarm | None:
    """The swarm as the first working manager of the files tells it; None where there is none."""
    for node in cluster.nodes:
        machine = machines[node.name]
        if node.role == "none" or not isinstance(machine, Machine) or not isinstance(machine.engine, Engine):
            continue
        membership = machine.engine.membership
        if membership.state == "active" and membership.manager:
            try:
                return await observe_swarm(EngineApi(await link.to(node.name)), node.name, membership.cluster_id)
            except DeployerError:
                continue  # a manager without quorum, or one that broke off: another may do better
    return None


async def _catalogue(
    cluster: Cluster, machines: Mapping[str, Machine | Unreachable], link: Link
) -> tuple[CatalogueNode, ...] | Unreachable | None:
    """What Consul's server knows; None where it does not run, Unreachable where it runs and cannot be asked."""
    for node in cluster.nodes:
        machine = machines[node.name]
        if not node.consul_server:
            continue
        if isinstance(machine, Unreachable):
            return machine
        if not isinstance(machine.engine, Engine):
            return None
        ours = [c for c in machine.engine.containers if c.labels.get(labels.ROLE) == "consul" and c.state == "running"]
        if ours:
            try:
                from deployer.consul import Catalogue  # noqa: PLC0415 - see observe()

                told = await Catalogue(await link.to(node.name)).nodes()
            except DeployerError as error:
                return Unreachable(error.message, error.help)
            return tuple(CatalogueNode(entry["Node"], entry["Address"], entry.get("Meta") or {}) for entry in told)
    return None
