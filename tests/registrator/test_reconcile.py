"""Actions against an engine and an agent that are made up: what is asked, in which order, and what failures do."""

from __future__ import annotations

from typing import Any

import pytest

from deployer.registrator.agent import AgentDeniesError, AgentDownError, AgentRefusesError
from deployer.registrator.diff import Registered, Snapshot
from deployer.registrator.engine import EngineError
from deployer.registrator.events import Look, Withdraw
from deployer.registrator.reconcile import Reconciler
from tests.registrator.boxes import HOST, box, options

A, B = "a" * 64, "b" * 64
P80 = {"80/tcp": "8080"}


class Engine:
    def __init__(self) -> None:
        self.boxes: dict[str, Any] = {}
        self.failing = False

    def inspect(self, container: str) -> Any:
        if self.failing:
            raise EngineError("no engine")
        return self.boxes.get(container)


class Agent:
    def __init__(self) -> None:
        self.done: list[str] = []
        self.error: Exception | None = None

    def _do(self, what: str) -> None:
        if self.error:
            raise self.error
        self.done.append(what)

    def register(self, service: Any) -> None:
        self._do(f"register {service.id}")

    def set_status(self, service: Any) -> None:
        self._do(f"{service.status} {service.id}")

    def deregister(self, service: str) -> None:
        self._do(f"deregister {service}")


class World:
    def __init__(self, *argv: str) -> None:
        self.engine, self.agent = Engine(), Agent()
        self.said: list[str] = []
        self.again: list[str] = []
        self.state = Reconciler(options(*argv), self.agent, self.said.append, self.again.append)  # type: ignore[arg-type]  # a fake
        self.state.engine, self.state.host = self.engine, HOST  # type: ignore[assignment]  # a fake

    def look(self, id_: str, told: Any) -> list[str]:
        """What the agent is asked for, once the engine says this of a container."""
        self.engine.boxes[id_] = told
        return self.do(Look(id_))

    def do(self, action: Any) -> list[str]:
        self.agent.done.clear()
        self.state.do(action)
        return list(self.agent.done)


@pytest.fixture
def world() -> World:
    return World()


def test_a_container_comes_changes_and_goes(world: World) -> None:
    assert world.look(A, box(P80, id_=A)) == ["register slave:web:80"]
    assert world.look(A, box(P80, id_=A)) == []
    assert world.look(A, box(P80, id_=A, name="shop")) == ["register slave:shop:80", "deregister slave:web:80"]
    assert world.look(A, None) == ["deregister slave:shop:80"]


def test_health_is_one_request(world: World) -> None:
    world.look(A, box(P80, id_=A, state={"Health": {"Status": "starting"}}))
    assert world.look(A, box(P80, id_=A, state={"Health": {"Status": "healthy"}})) == ["passing slave:web:80"]


def test_a_container_that_was_told_to_stop_stays_out_until_it_starts_again(world: World) -> None:
    world.look(A, box(P80, id_=A))
    assert world.do(Withdraw(A, hold=15)) == ["deregister slave:web:80"]
    assert world.do(Look(A)) == []
    assert world.do(Look(A, anew=True)) == ["register slave:web:80"]


def test_or_until_its_time_is_over(world: World) -> None:
    world.look(A, box(P80, id_=A))
    world.do(Withdraw(A, hold=15))
    world.state.later[A] = 0
    world.state.due()
    assert world.again == [A]
    assert world.do(Look(A)) == ["register slave:web:80"]


def test_an_id_that_another_container_has_is_waited_for(world: World) -> None:
    env = {"SERVICE_ID": "db"}
    world.look(A, box(P80, env, id_=A))
    assert world.look(B, box(P80, env, id_=B)) == []
    assert world.again == [A]
    assert world.look(A, None) == ["deregister db"]
    assert world.again == [A, B]
    assert world.do(Look(B)) == ["register db"]


def test_what_is_not_ours_is_not_overwritten(world: World) -> None:
    world.state.ledger.load(Snapshot((), (Registered("db", "byhand"), Registered("slave:web:80", "old"))))
    assert world.look(A, box(P80, {"SERVICE_ID": "db"}, id_=A)) == []
    assert "web: the id db is taken by a service byhand that is not ours" in world.said
    assert world.look(B, box(P80, id_=B)) == ["register slave:web:80"], "an old registrator's entry is taken over"


def test_an_agent_that_is_away_is_said_once_and_asked_no_more(world: World) -> None:
    world.agent.error = AgentDownError("refused")
    world.look(A, box(P80, id_=A))
    world.look(B, box(P80, id_=B, name="other"))
    assert world.said == ["Consul does not answer, waiting for it: refused"]
    world.agent.error = None
    world.state.agent_down.clear()
    assert world.do(Look(A)) == ["register slave:web:80"]


@pytest.mark.parametrize(("error", "later"), [(AgentDeniesError("no"), True), (AgentRefusesError("wrong"), False)])
def test_a_refusal_is_said_once_and_tried_again_where_that_makes_sense(
    world: World, error: Exception, *, later: bool
) -> None:
    world.agent.error = error
    world.look(A, box(P80, id_=A))
    world.look(A, box(P80, id_=A))
    assert len(world.said) == 1
    assert (A in world.state.later) is later
    assert world.state.ledger.of(A) == ()


def test_a_health_check_that_somebody_removed_is_registered_again(world: World) -> None:
    world.look(A, box(P80, id_=A, state={"Health": {"Status": "healthy"}}))
    asked: list[str] = []

    def gone(service: Any) -> None:
        asked.append(service.status)
        if len(asked) == 1:
            raise AgentRefusesError("no such check")

    world.agent.set_status = gone  # type: ignore[method-assign]  # this once
    assert world.look(A, box(P80, id_=A, state={"Health": {"Status": "unhealthy"}})) == ["register slave:web:80"]
    assert asked == ["critical", "critical"]


def test_an_engine_that_fails_changes_nothing(world: World) -> None:
    world.look(A, box(P80, id_=A))
    world.engine.failing = True
    assert world.do(Look(A)) == []
    assert A in world.state.later


def test_those_who_share_a_network_are_looked_at_when_it_changes(world: World) -> None:
    world.engine.boxes[B] = box(id_=B, networks={"bridge": "172.17.0.9"})
    world.look(A, box(exposed=("80/tcp",), id_=A, mode=f"container:{B}", networks={}))
    world.do(Look(B))
    assert world.again == [A]


def test_under_never_nothing_goes_that_ended() -> None:
    world = World("-deregister=never")
    world.look(A, box(P80, id_=A))
    assert world.look(A, box(P80, id_=A, state={"Running": False, "ExitCode": 0})) == []
    assert world.look(A, None) == []


def test_tasks_of_the_mesh_are_left_alone_while_the_swarm_is_not_known(world: World) -> None:
    world.state.ledger.load(Snapshot((Registered("s", "web", "task:t1"),), ()))
    assert world.do(Look("task:t1")) == []
    world.state.mesh = {}
    assert world.do(Look("task:t1")) == ["deregister s"]


def test_an_answer_that_nobody_foresaw_ends_one_containers_turn(world: World) -> None:
    assert world.look(A, {"Id": A, "Config": "?", "State": {"Running": True}}) == []
    assert len(world.said) == 1
    assert world.said[0] == f"{A[:12]}: not understood: what the engine says of it has another form than a container's"
    assert world.look(B, box(P80, id_=B)) == ["register slave:web:80"]
