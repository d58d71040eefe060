"""How far the registrators are behind, by each machine's containers and each Consul agent's services. Read only."""

from __future__ import annotations

import asyncio
import contextlib
from typing import TYPE_CHECKING, Any, Final

from msgspec import structs

from deployer.docker import Engine as EngineApi
from deployer.docker import segment
from deployer.errors import DeployerError
from deployer.model import labels
from deployer.model.observed import Engine, Machine, Observed, Registrations, Unreachable
from deployer.remote.together import together
from deployer.startup import defer_imports

if TYPE_CHECKING:
    from collections.abc import Mapping

    from deployer.model.cluster import Cluster
    from deployer.remote import Link

with defer_imports():
    from deployer import consul
    from deployer.registrator import api

MOST_INSPECTED: Final = 20
"""Containers of one machine that are looked at closely: as many as are likely to be on their way."""
OWNER_LENGTH: Final = 64
"""Of a container's id, as the registrator's mark has it; other marks are those of Swarm's services."""


async def observe_registrations(
    cluster: Cluster, observed: Observed, link: Link
) -> dict[str, Registrations | Unreachable]:
    """By machine, of those whose registrator runs: a request to each engine, one to each Consul agent that they use.

    Containers that seem to be missing are inspected: only the program's own rules can tell whether they are to be there.
    """
    if cluster.registrator is None:
        return {}
    agents = {node.name: node.name if node.consul else _first_server(cluster) for node in cluster.nodes}
    running = [name for name in agents if _runs(observed.machines[name])]
    async with together() as group:
        asked = {
            agent: group.create_task(_registered(cluster, link, agent)) for agent in {agents[name] for name in running}
        }
    async with together() as group:
        found = {
            name: group.create_task(_compare(cluster, link, name, asked[agents[name]].result())) for name in running
        }
    return {name: task.result() for name, task in found.items()}


def _first_server(cluster: Cluster) -> str:
    return next(node.name for node in cluster.nodes if node.consul_server)


def _runs(machine: Machine | Unreachable) -> bool:
    containers = (
        machine.engine.containers if isinstance(machine, Machine) and isinstance(machine.engine, Engine) else ()
    )
    return any(one.labels.get(labels.ROLE) == "registrator" and one.state == "running" for one in containers)


async def _registered(cluster: Cluster, link: Link, agent: str) -> list[dict[str, Any]] | Unreachable:
    try:
        with contextlib.closing(consul.Catalogue(await link.to(agent), cluster.secrets.token)) as catalogue:
            return await catalogue.registered()
    except DeployerError as error:
        return Unreachable(error.message, error.help)


async def _compare(
    cluster: Cluster, link: Link, name: str, registered: list[dict[str, Any]] | Unreachable
) -> Registrations | Unreachable:
    if isinstance(registered, Unreachable):
        return registered
    try:
        return await _compared(cluster, link, name, registered)
    except DeployerError as error:
        return Unreachable(error.message, error.help)
    except (AttributeError, KeyError, TypeError, ValueError):
        return Unreachable("what answers at the engine's socket is no Docker engine")


async def _compared(cluster: Cluster, link: Link, name: str, registered: list[dict[str, Any]]) -> Registrations:
    """Raises DeployerError, and what an answer of another form than an engine's ends in."""
    with contextlib.closing(EngineApi(await link.to(name))) as engine:
        listed: list[dict[str, Any]] = await engine.get("/containers/json")
        names = {str(told["Id"]): str((told.get("Names") or [""])[0]).lstrip("/") for told in listed}
        owned = [(entry, owner) for entry in registered if (owner := owner_of(entry, name, names)) is not None]
        known = {owner for _, owner in owned}
        unknown = [told for told in listed if told["Id"] not in known and may_be_wanted(told)][:MOST_INSPECTED]
        inspected = await asyncio.gather(
            *(engine.get(f"/containers/{segment(told['Id'])}/json") for told in unknown), return_exceptions=True
        )
    missing = [told for told in inspected if isinstance(told, dict) and is_wanted(cluster, name, told)]
    return Registrations(
        instances=sum(owner in names for _, owner in owned),
        missing=tuple(sorted(names[told["Id"]] for told in missing)),
        stale=tuple(sorted(str(entry["ID"]) for entry, owner in owned if owner not in names)),
    )


def owner_of(entry: Mapping[str, Any], machine: str, names: Mapping[str, str]) -> str | None:
    """The container of that machine which the registration stands for; None where it is another's.

    By the registrator's mark, else by the form that ids have had since the first registrator, `host:container:port`.
    `names` are those of running containers, by id. A container that is gone has an id that is not among them.
    """
    mark = str((entry.get("Meta") or {}).get("registrator-container") or "")
    if mark in names:
        return mark
    parts = str(entry["ID"]).split(":")
    if len(parts) < 3 or parts[0] != machine or not parts[2].isdigit():
        return None
    if mark:
        return mark if len(mark) == OWNER_LENGTH else None
    return next((identifier for identifier, name in names.items() if name == parts[1]), parts[1])


def may_be_wanted(told: Mapping[str, Any]) -> bool:
    """Whether an entry of `/containers/json` has a port at all, or the host's network, and nothing says that it is ignored."""
    marks: Mapping[str, str] = told.get("Labels") or {}
    if marks.get("SERVICE_IGNORE") or marks.get(labels.ROLE) or told.get("State", "running") != "running":
        return False
    return bool(told.get("Ports")) or (told.get("HostConfig") or {}).get("NetworkMode") == "host"


def is_wanted(cluster: Cluster, machine: str, told: Mapping[str, Any]) -> bool:
    """Whether the registrator's own rules make a service of the container.

    Without -tags, which decide nothing here: a pattern in them, on a label that anybody may write, could run for hours.
    """
    assert cluster.registrator is not None
    section = structs.replace(cluster.registrator, tags="")
    return api.would_register(section.flags, machine, told)
