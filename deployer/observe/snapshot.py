"""Take one snapshot of the cluster: all machines at once, then one manager and Consul's server. Read only."""

from __future__ import annotations

import asyncio
import contextlib
from typing import TYPE_CHECKING

from deployer.errors import DeployerError
from deployer.model import labels
from deployer.model.observed import CatalogueNode, Engine, Machine, Observed, Swarm, Unreachable
from deployer.observe.machines import observe_machine
from deployer.observe.swarm import observe_swarm
from deployer.remote.clock import read_clock
from deployer.remote.together import together
from deployer.startup import defer_imports, run_now

if TYPE_CHECKING:
    from collections.abc import Mapping

    from deployer.docker import Engine as EngineApi
    from deployer.model.cluster import Cluster
    from deployer.remote import Link

with defer_imports():
    from deployer import consul


async def observe(cluster: Cluster, link: Link) -> Observed:
    """One snapshot. Machines that do not answer are values in it; each costs its own time-out, none holds up another."""
    began = read_clock()
    # py-consul costs 0.1 s to import: done in a thread while the machines are being waited for.
    importing = asyncio.create_task(asyncio.to_thread(run_now, consul)) if cluster.consul else None
    engines: dict[str, EngineApi] = {}
    built = cluster.registrator_image.partition(":")[0] if cluster.registrator and not cluster.registrator.image else ""
    try:
        async with together() as group:
            asked = {
                node.name: group.create_task(observe_machine(link, node.name, cluster.name, engines, built))
                for node in cluster.nodes
            }
        if importing:
            await importing
        machines = {name: task.result() for name, task in asked.items()}
        async with together() as group:
            swarm = group.create_task(_swarm(cluster, machines, engines))
            catalogue = group.create_task(_catalogue(cluster, machines, link))
    finally:
        for engine in engines.values():
            engine.close()
    return Observed(machines, swarm.result(), catalogue.result(), read_clock() - began)


async def _swarm(
    cluster: Cluster, machines: Mapping[str, Machine | Unreachable], engines: Mapping[str, EngineApi]
) -> Swarm | None:
    """The swarm as the first working manager of the files tells it; None where there is none.

    One that is to stay a manager is asked first: what is to be done is done through it, too.
    """
    for node in sorted(cluster.nodes, key=lambda node: node.role != "manager"):
        machine = machines[node.name]
        if node.role == "none" or not isinstance(machine, Machine) or not isinstance(machine.engine, Engine):
            continue
        membership = machine.engine.membership
        if membership.state == "active" and membership.manager:
            try:
                return await observe_swarm(engines[node.name], node.name, membership.cluster_id)
            except DeployerError:
                continue  # a manager without quorum, or one that broke off: another may do better
    return None


async def _catalogue(
    cluster: Cluster, machines: Mapping[str, Machine | Unreachable], link: Link
) -> tuple[CatalogueNode, ...] | Unreachable | None:
    """What the first of Consul's servers that answers knows; None where none runs, Unreachable where none can be asked."""
    failure: Unreachable | None = None
    for node in cluster.nodes:
        machine = machines[node.name]
        if not node.consul_server:
            continue
        if isinstance(machine, Unreachable):
            failure = failure or machine
            continue
        if not isinstance(machine.engine, Engine):
            continue
        ours = [c for c in machine.engine.containers if c.labels.get(labels.ROLE) == "consul" and c.state == "running"]
        if ours:
            try:
                ask = consul.Catalogue(await link.to(node.name), cluster.secrets.token)
                with contextlib.closing(ask):
                    told = await ask.nodes()
            except DeployerError as error:
                failure = Unreachable(error.message, error.help)
                continue
            return tuple(CatalogueNode(entry["Node"], entry["Address"], entry.get("Meta") or {}) for entry in told)
    return failure
