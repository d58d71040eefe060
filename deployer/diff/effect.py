"""What an update of a service does to its tasks. Pure.

swarmkit replaces a task when anything of its service's task template or endpoint differs from what the task was made of; not for
placement alone where the task's machine satisfies the new constraints, and not for anything else of the service
(manager/orchestrator/task.go, IsTaskDirty). A job runs again after any update (manager/controlapi/service.go). Without an
update_config one task is replaced at a time (api/defaults/service.go); with one, `parallelism: 0` means all at once.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any, Literal

from deployer.diff.fields import fields
from deployer.diff.placement import member_attribute
from deployer.model.amounts import plural
from deployer.model.constraint import holds
from deployer.model.spec import TEMPLATE, ServiceSpec

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from deployer.model.observed import LiveService, Member

Template = Literal["same", "placement", "differs"]
Order = Literal["stop-first", "start-first"]


@dataclass(frozen=True)
class Effect:
    """How many tasks an update replaces, starts and stops. `at_once` 0: all of them.

    `at_most`: some of them may stay, which only their machines tell. `job`: it runs again. `rest`: the tasks that an
    earlier update did not reach.
    """

    restarts: int = 0
    starts: int = 0
    stops: int = 0
    at_once: int = 1
    order: Order = "stop-first"
    at_most: bool = False
    job: bool = False
    rest: bool = False

    def __str__(self) -> str:
        """`restarts 3 tasks, 1 at a time, start-first; starts 2 tasks`"""
        if self.job:
            return "runs the job again"
        if self.rest:
            return f"restarts the tasks that are not as defined, {self._pace(2)}"
        words = [f"starts {_tasks(self.starts)}"] if self.starts else []
        words += [f"stops {_tasks(self.stops)}"] if self.stops else []
        if self.restarts:
            bound = "at most " if self.at_most else ""
            words.insert(0, f"restarts {bound}{_tasks(self.restarts)}, {self._pace(self.restarts)}")
        return "; ".join(words) or "restarts nothing"

    def _pace(self, count: int) -> str:
        if count == 1:
            return self.order
        at_once = "all at once" if not 0 < self.at_once < count else f"{self.at_once} at a time"
        return f"{at_once}, {self.order}"


def template_of(live: Mapping[str, Any], target: Mapping[str, Any]) -> Template:
    """How the task template and endpoint of two normalised bodies differ."""
    if fields(live.get("EndpointSpec", {}), target.get("EndpointSpec", {}), "EndpointSpec"):
        return "differs"
    old, new = ServiceSpec(live).template, ServiceSpec(target).template
    paths = [field.path for field in fields(old, new, TEMPLATE)]
    if not paths:
        return "same"
    return "placement" if all(path.startswith(f"{TEMPLATE}.Placement") for path in paths) else "differs"


def effect(seen: LiveService, live: Mapping[str, Any], target: Mapping[str, Any], members: Sequence[Member]) -> Effect:
    """What the update from `live` to `target`, both normalised, does to the tasks of the service `seen`."""
    old, new = ServiceSpec(live), ServiceSpec(target)
    if new.job:
        return Effect(job=True)
    config = new.update
    at_once = 1 if config is None else int(config.get("Parallelism") or 0)
    order: Order = "start-first" if (config or {}).get("Order") == "start-first" else "stop-first"
    template = template_of(live, target)
    before, after = (_eligible(body, members) for body in (live, target))
    if old.count is None or new.count is None:  # one on every machine
        left = before - after if before is not None and after is not None else set()
        more = after - before if before is not None and after is not None else set()
        stays = max(seen.wanted - len(left), 0)
        return Effect(stays if template == "differs" else 0, len(more), len(left), at_once, order)
    starts, stops = max(new.count - old.count, 0), max(old.count - new.count, 0)
    stays = min(old.count, new.count)
    if template == "same":
        return Effect(0, starts, stops, at_once, order)
    if template == "placement":
        moves = before is None or after is None or bool(before - after)
        return Effect(stays if moves else 0, starts, stops, at_once, order, at_most=moves)
    return Effect(stays, starts, stops, at_once, order, at_most=seen.finite)


def _eligible(body: Mapping[str, Any], members: Sequence[Member]) -> set[str] | None:
    """Ids of the machines that a body's tasks may run on; None where only the engines know."""
    found = {member.id for member in members if member.availability != "drain"}
    for text in ServiceSpec(body).constraints:
        told = {member.id: holds(text, partial(member_attribute, member)) for member in members}
        if None in told.values():
            return None
        found = {id_ for id_ in found if told[id_]}
    return found


def _tasks(count: int) -> str:
    return plural(count, "task")
