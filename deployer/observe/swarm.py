"""Ask a manager's engine for the swarm: five requests, however many stacks there are."""

from __future__ import annotations

from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Literal

from deployer.docker import EngineError
from deployer.model.observed import LiveObject, LiveService, Member, Swarm
from deployer.model.spec import ServiceSpec
from deployer.remote.together import together

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

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
        ends = await _ends(engine, services.result())
        objects = [
            *(_object("network", told["Id"], told, told.get("Created")) for told in networks.result()),
            *(_object("config", told["ID"], told["Spec"], told.get("CreatedAt")) for told in configs.result()),
            *(_object("secret", told["ID"], told["Spec"], told.get("CreatedAt")) for told in secrets.result()),
        ]
        return Swarm(
            via,
            cluster_id,
            tuple(sorted((read_member(told) for told in nodes.result()), key=lambda member: member.id)),
            tuple(sorted((read_service(told, ends) for told in services.result()), key=lambda service: service.name)),
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


async def _ends(engine: Engine, services: Sequence[Mapping[str, Any]]) -> dict[str, tuple[int, int]]:
    """By service, how many places of those that run once and do not run now have ended well, and failed, at last.

    `ServiceStatus` counts completed tasks of jobs only (tried on Engine 20.10); one request more, where there are any.
    """
    ids = [
        one["ID"] for one in services if ServiceSpec(one["Spec"]).finite and _runs_short(one.get("ServiceStatus") or {})
    ]
    if not ids:
        return {}
    last: dict[tuple[str, str], Mapping[str, Any]] = {}
    for task in sorted(
        await engine.get("/tasks", filters={"service": ids}), key=lambda task: str(task.get("CreatedAt"))
    ):
        place = str(task.get("Slot") or task.get("NodeID") or "")
        last[task["ServiceID"], place] = task
    found = dict.fromkeys(ids, (0, 0))
    for (id_, _), task in last.items():
        well, badly = found[id_]
        state = task["Status"]["State"]
        found[id_] = well + (state == "complete"), badly + (state in {"failed", "rejected"})
    return found


def _runs_short(status: Mapping[str, Any]) -> bool:
    return int(status.get("RunningTasks") or 0) < int(status.get("DesiredTasks") or 0)


def read_service(told: Mapping[str, Any], ends: Mapping[str, tuple[int, int]] = MappingProxyType({})) -> LiveService:
    """An entry of `GET /services?status=true`; `ends` from `_ends`."""
    status = told.get("ServiceStatus") or {}
    completed, failed = ends.get(told["ID"], (0, 0))
    return LiveService(
        id=told["ID"],
        version=told["Version"]["Index"],
        spec=told["Spec"],
        running=int(status.get("RunningTasks") or 0),
        wanted=int(status.get("DesiredTasks") or 0),
        update_state=(told.get("UpdateStatus") or {}).get("State") or "",
        completed=completed,
        failed=failed,
    )


def _object(
    kind: Literal["network", "config", "secret"], identifier: str, body: Mapping[str, Any], created: str | None
) -> LiveObject:
    return LiveObject(kind, identifier, body["Name"], body.get("Labels") or {}, body, _sortable(created or ""))


def _sortable(moment: str) -> str:
    """Go writes `15:04:05.12Z`, without the zeros at the end: of two such texts the later one may sort first."""
    whole, _, fraction = moment.removesuffix("Z").partition(".")
    return f"{whole}.{fraction:0<9}Z" if whole else ""
