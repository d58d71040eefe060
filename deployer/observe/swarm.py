"""A manager's engine in, the swarm out: five requests, however many stacks there are."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal

from deployer.docker import EngineError
from deployer.model.observed import LiveObject, LiveService, Member, Swarm
from deployer.remote.together import together

if TYPE_CHECKING:
    from collections.abc import Mapping

    from deployer.docker import Engine


async def observe_swarm(engine: Engine, via: str, cluster_id: str) -> Swarm:
    """What the manager on machine `via` knows. Raises what Engine raises."""
    async with together() as group:
        nodes = group.create_task(engine.get("/nodes"))
        services = group.create_task(engine.get("/services", status=True))
        networks = group.create_task(engine.get("/networks", filters={"scope": ["swarm"]}))
        configs = group.create_task(engine.get("/configs"))
        secrets = group.create_task(engine.get("/secrets"))
    try:
        objects = [
            *(_object("network", told["Id"], told, told.get("Created")) for told in networks.result()),
            *(_object("config", told["ID"], told["Spec"], told.get("CreatedAt")) for told in configs.result()),
            *(_object("secret", told["ID"], told["Spec"], told.get("CreatedAt")) for told in secrets.result()),
        ]
        return Swarm(
            via,
            cluster_id,
            tuple(sorted((read_member(told) for told in nodes.result()), key=lambda member: member.id)),
            tuple(sorted((read_service(told) for told in services.result()), key=lambda service: service.name)),
            tuple(sorted(objects, key=lambda found: (found.kind, found.name, found.id))),
        )
    except (AttributeError, KeyError, TypeError, ValueError):
        raise EngineError(502, f"the engine of {via} does not tell of its swarm what engines tell") from None


def read_member(told: Mapping[str, Any]) -> Member:
    """An entry of `GET /nodes`."""
    spec, status = told["Spec"], told.get("Status") or {}
    manager = told.get("ManagerStatus") or {}
    return Member(
        id=told["ID"],
        version=told["Version"]["Index"],
        hostname=(told.get("Description") or {}).get("Hostname", ""),
        role=spec.get("Role", ""),
        availability=spec.get("Availability", ""),
        labels=spec.get("Labels") or {},
        state=status.get("State", ""),
        address=status.get("Addr", ""),
        leader=bool(manager.get("Leader")),
    )


def read_service(told: Mapping[str, Any]) -> LiveService:
    """An entry of `GET /services?status=true`."""
    status = told.get("ServiceStatus") or {}
    return LiveService(
        id=told["ID"],
        version=told["Version"]["Index"],
        spec=told["Spec"],
        running=int(status.get("RunningTasks") or 0),
        wanted=int(status.get("DesiredTasks") or 0),
        update_state=(told.get("UpdateStatus") or {}).get("State") or "",
    )


def _object(
    kind: Literal["network", "config", "secret"], identifier: str, body: Mapping[str, Any], created: str | None
) -> LiveObject:
    return LiveObject(kind, identifier, body["Name"], body.get("Labels") or {}, body, _sortable(created or ""))


def _sortable(moment: str) -> str:
    """Go writes `15:04:05.12Z`, without the zeros at the end: of two such texts the later one may sort first."""
    whole, _, fraction = moment.removesuffix("Z").partition(".")
    return f"{whole}.{fraction:0<9}Z" if whole else ""
