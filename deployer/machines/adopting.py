"""A machine that runs already in, a file that says what it is out: taken over without a restart, or any other change."""

from __future__ import annotations

import contextlib
import json
from dataclasses import replace
from typing import TYPE_CHECKING, Any, get_args

from deployer.docker import Engine as EngineApi
from deployer.docker import segment
from deployer.errors import DeployerError
from deployer.model.cluster import Availability
from deployer.model.observed import Engine
from deployer.plan.text import step_fields, step_text
from deployer.remote import Link
from deployer.workflow.plan import plan as make_plan

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from deployer.machines.node_file import Wanted
    from deployer.model.cluster import Cluster
    from deployer.model.observed import Machine
    from deployer.workflow.validate import Source


async def read_as_it_is(wanted: Wanted, machine: Machine, cluster: Cluster) -> Wanted:
    """What the machine says of itself, where nothing else was asked for: its place in a swarm, its engine, its daemon.json.

    Raises DeployerError where there is no engine: then there is nothing to take over.
    """
    engine = machine.engine
    if not isinstance(engine, Engine):
        raise DeployerError(
            f"{wanted.name} has no Docker engine that answers, so there is nothing to take over",
            help="deployer machine add makes it a machine that gets one",
        )
    place = engine.membership
    node = cluster.node(wanted.name)
    found = replace(wanted, install="none", daemon=keep_settings(node.engine.daemon, machine.daemon_json))
    if place.state != "active":
        return replace(found, role="none")
    told = await _member(cluster, wanted, place.node_id)
    spec: Mapping[str, Any] = told.get("Spec") or {}
    availability = str(spec.get("Availability", "active"))
    return replace(
        found,
        role="manager" if place.manager else "worker",
        advertise=wanted.advertise or place.address or None,
        labels=dict(wanted.labels)
        or {key: value for key, value in (spec.get("Labels") or {}).items() if not key.startswith("deployer.")},
        availability=availability if availability in get_args(Availability) else "active",  # type: ignore[arg-type] # checked
    )


def keep_settings(cluster: Mapping[str, Any], present: str | None) -> dict[str, Any]:
    """Null for each of the cluster's settings that the machine has otherwise: its daemon.json stays as it is."""
    try:
        there = json.loads(present or "{}")
    except ValueError:
        there = {}
    return {key: None for key, value in cluster.items() if not isinstance(there, dict) or there.get(key) != value}


async def _member(cluster: Cluster, wanted: Wanted, node_id: str) -> Mapping[str, Any]:
    """The machine as a manager knows it: itself, or one of the repository's; nothing where none of them does."""
    managers = [node.name for node in cluster.nodes if node.role == "manager"]
    async with Link(cluster) as link:
        for name in dict.fromkeys((wanted.name, *managers)):
            try:
                with contextlib.closing(EngineApi(await link.to(name))) as engine:
                    told: Mapping[str, Any] = await engine.get(f"/nodes/{segment(node_id)}")
            except DeployerError:  # no manager, another swarm's, or not there
                continue
            return told
    return {}


async def list_changes(source: Source, say: Callable[[str], None], names: Sequence[str]) -> list[str]:
    """What `deployer apply` would do on these machines with the files as they are now: a line a step, as in the plan."""
    plan = await make_plan(replace(source, worktree=True), say)
    lines = []
    for step in plan.steps:
        if step.operation.node in names:
            lines += [step_text(step), *(f"       {field}" for field in step_fields(step))]
    return lines + [f"! {one.told}" for one in plan.blocked if one.subject in names]
