"""Who registers for the mesh, and when that is somebody else's turn."""

from __future__ import annotations

from typing import Any

import pytest

from deployer.registrator.engine import EngineError
from deployer.registrator.swarm import LEADER, MEMBER, TASKS, Watch, look
from tests.registrator.boxes import HOST, options
from tests.registrator.test_mesh import NODES, PORT, service, task


class Told:
    """An engine of a swarm: a manager that leads, one that does not, or a worker."""

    def __init__(self, role: str) -> None:
        self.role = role

    def info(self) -> dict[str, Any]:
        return {"Swarm": {"NodeID": "n1", "ControlAvailable": self.role != "worker"}}

    def swarm_node(self, _: str) -> dict[str, Any]:
        if self.role == "worker":
            raise EngineError("This node is not a swarm manager.")
        return {"ManagerStatus": {"Leader": self.role == "leader"}}

    def swarm_services(self) -> list[dict[str, Any]]:
        return [service(PORT)]

    def swarm_nodes(self) -> list[dict[str, Any]]:
        return NODES

    def swarm_tasks(self, _: list[str]) -> list[dict[str, Any]]:
        return [task("t1", "n1", 1)]


def seen(watch: Watch, engine: Told, now: float) -> list[str]:
    told: Any = engine
    return [*look(watch, told, HOST, options(), now)]


def test_the_leader_alone_registers_and_hands_over_within_a_second() -> None:
    one, other = Watch(), Watch()
    leads, follows = Told("leader"), Told("manager")
    assert (seen(one, leads, 0), one.pause) == (["task:t1"], TASKS)
    assert (seen(other, follows, 0), other.pause) == ([], LEADER)
    leads.role, follows.role = "manager", "leader"
    assert (seen(one, leads, 1), seen(other, follows, 1)) == ([], ["task:t1"])


def test_a_leader_that_became_a_worker_gives_up_at_the_look_after() -> None:
    """Long before its place in the swarm would be asked for anyway; what cannot be read is not taken for gone meanwhile."""
    watch, engine = Watch(), Told("leader")
    assert seen(watch, engine, 0) == ["task:t1"]
    engine.role = "worker"
    with pytest.raises(EngineError):
        seen(watch, engine, TASKS)
    assert 2 * TASKS < MEMBER
    assert seen(watch, engine, 2 * TASKS) == []
    assert not watch.leads


def test_who_was_made_a_manager_knows_it_from_the_first_event_on() -> None:
    watch, engine = Watch(), Told("worker")
    assert seen(watch, engine, 0) == []
    engine.role = "leader"
    assert seen(watch, engine, 1) == [], "a worker asks rarely"
    watch.stale()
    assert seen(watch, engine, 2) == ["task:t1"]
