"""What managers answer: members, the swarm; and whole clusters that stand."""

from collections.abc import Iterable, Mapping
from dataclasses import replace
from itertools import count
from typing import Any

from deployer.model import labels as ours
from deployer.model.observed import (
    CatalogueNode,
    LiveObject,
    LiveService,
    Machine,
    Member,
    Observed,
    Swarm,
    Unreachable,
)
from tests.literals.desired import CLUSTER
from tests.literals.machines import make_engine, make_machine


def make_member(
    node_id: str,
    role: str = "worker",
    *,
    labels: Mapping[str, str] | None = None,
    availability: str = "active",
    state: str = "ready",
    leader: bool = False,
    hostname: str = "",
    address: str = "",
    marked: bool = True,
) -> Member:
    """An entry of the managers' list.

    Its id is such as `n-master`, the machine's name is what follows. `marked`: an earlier run has written on it whose it is.
    """
    name = node_id.removeprefix("n-")
    mine = {ours.CLUSTER: CLUSTER, ours.NODE: name} if marked else {}
    told = mine | dict(labels or {})
    return Member(node_id, 7, hostname or name, role, availability, told, state, address, leader)


def make_swarm(
    *members: Member,
    via: str = "master",
    services: Iterable[LiveService] = (),
    objects: Iterable[LiveObject] = (),
) -> Swarm:
    return Swarm(via, "swarm1", members, tuple(services), tuple(objects))


def make_observed(
    machines: Mapping[str, Machine | Unreachable],
    swarm: Swarm | None = None,
    catalogue: tuple[CatalogueNode, ...] | Unreachable | None = None,
) -> Observed:
    return Observed(machines, swarm, catalogue)


def make_standing(
    managers: Iterable[str] = ("master",),
    workers: Iterable[str] = (),
    *,
    others: Iterable[str] = (),
    services: Iterable[LiveService] = (),
    objects: Iterable[LiveObject] = (),
    catalogue: tuple[CatalogueNode, ...] | Unreachable | None = None,
    machines: Mapping[str, Machine | Unreachable] | None = None,
) -> Observed:
    """A cluster that stands: machines with engines, all members of one swarm and ready, the first manager its leader.

    Their addresses are 10.0.0.1 and so on, managers first. `others` have an engine and are in no swarm. `machines` are what
    machines answer instead; one that is named only there is no member.
    """
    managers, workers = tuple(managers), tuple(workers)
    number = count(1)
    there: dict[str, Machine | Unreachable] = {}
    for name in (*managers, *workers):
        engine = make_engine(f"n-{name}", manager=name in managers)
        there[name] = make_machine(f"10.0.0.{next(number)}", engine)
    for name in others:
        there[name] = make_machine(f"10.0.0.{next(number)}", make_engine())
    members = [make_member(f"n-{name}", "manager", leader=name == managers[0]) for name in managers]
    members += [make_member(f"n-{name}") for name in workers]
    swarm = make_swarm(*members, via=managers[0], services=services, objects=objects)
    return make_observed({**there, **(machines or {})}, swarm, catalogue)


def change_swarm(seen: Observed, **parts: Any) -> Observed:
    """The same cluster, whose managers say something else of `members`, `services` or `objects`."""
    assert seen.swarm is not None
    return replace(seen, swarm=replace(seen.swarm, **parts))


def change_member(seen: Observed, node_id: str, **changes: Any) -> Observed:
    """The same cluster, whose managers say something else of one member."""
    assert seen.swarm is not None
    assert node_id in {one.id for one in seen.swarm.members}
    members = (replace(one, **changes) if one.id == node_id else one for one in seen.swarm.members)
    return change_swarm(seen, members=tuple(members))
