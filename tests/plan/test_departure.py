"""A machine that goes: in which order, what is refused, and what of it is taken away."""

import json
from textwrap import dedent

import pytest

from deployer.model.cluster import Consul
from deployer.model.observed import CatalogueNode, Container, Machine, Observed, TlsListener, Unreachable
from deployer.plan.departure import Departure, departure_plan, without_ours
from deployer.plan.steps import Plan
from deployer.plan.text import plan_text
from tests.decisions import list_kinds
from tests.literals.desired import make_cluster, make_desired, make_node
from tests.literals.live import deploy_service
from tests.literals.machines import DOWN, make_engine, make_machine
from tests.literals.stacks import make_service, with_constraints
from tests.literals.swarm import change_member, change_swarm, make_standing
from tests.model_cluster import run_plan

MIRRORS = {"registry-mirrors": ["http://r"]}
MANAGERS = ("m1", "m2", "m3")
NODES = (
    make_node("c1", "none", consul="server"),
    *(make_node(name, "manager") for name in MANAGERS),
    make_node("w1", daemon=MIRRORS),
)
OWN = (Container("r", "deployer-registrator", "running", {}), Container("c", "deployer-consul", "running", {}))
SERVER = Container("c", "deployer-consul", "running", {"deployer.role": "consul"})
WORKER = make_engine("n-w1", containers=OWN)


def seen(**machines: Machine | Unreachable) -> Observed:
    worker = make_machine(engine=WORKER, daemon_json=json.dumps({**MIRRORS, "debug": True}))
    return make_standing(
        MANAGERS,
        ("w1",),
        services=(deploy_service(make_service("web_app", 2)),),
        catalogue=tuple(CatalogueNode(name, "10.0.0.1", {}) for name in ("c1", *MANAGERS, "w1")),
        machines={"c1": make_machine(engine=make_engine(containers=(SERVER,))), "w1": worker, **machines},
    )


def planned(departure: Departure, look: Observed | None = None, **tasks: tuple[str, ...]) -> Plan:
    here = {f"n-{name}": services for name, services in tasks.items()}
    return departure_plan(make_desired(make_cluster(*NODES, consul=Consul())), look or seen(), here, departure)


def test_a_worker_goes_in_good_order_with_what_deployer_brought() -> None:
    assert plan_text(planned(Departure("w1", purge=True, volumes=("old",)))) == dedent("""\
        Plan for sandbox at 0123456789: remove w1

        ~ #1 w1: drain: its tasks go elsewhere (asked for)
        . #2 w1: wait up to 180 s until it is empty and web_app runs in full without it
        - #3 w1: leave the swarm (asked for)
        - #4 w1: take its entry out of the swarm's list (asked for)
        - #5 w1: remove deployer-registrator, deployer-consul, volume deployer-consul-data, volume old (asked for)
        - #6 w1: take it out of Consul's catalogue (asked for)
        ~ #7 w1: write daemon.json, the engine restarts (asked for)
        - #8 w1: remove Docker's packages, which deployer installed (asked for)

        Plan: 0 to add, 2 to change, 5 to remove (0 unchanged).
        """)


def test_a_purged_engine_listens_for_tls_no_more() -> None:
    listener = TlsListener("dockerd --tlsverify", "dockerd")
    worker = make_machine(engine=WORKER, tls=listener)
    assert list_kinds(planned(Departure("w1", purge=True), seen(w1=worker)))[-2:] == ["StopTls", "PurgeEngine"]
    assert "StopTls" not in list_kinds(planned(Departure("w1"), seen(w1=worker)))


def test_without_purge_its_engine_and_volumes_stay() -> None:
    plan = planned(Departure("w1"))
    assert list_kinds(plan)[-2:] == ["RemoveOwn", "DeregisterNode"]
    assert "volume" not in plan_text(plan)


def test_afterwards_nothing_of_it_is_left() -> None:
    after = run_plan(seen(), planned(Departure("w1", purge=True)))
    assert after.swarm is not None
    assert [one.id for one in after.swarm.members] == ["n-m1", "n-m2", "n-m3"]
    machine = after.machines["w1"]
    assert isinstance(machine, Machine)
    assert (machine.engine, json.loads(machine.daemon_json or "")) == (None, {"debug": True})
    assert isinstance(after.catalogue, tuple)
    assert "w1" not in {entry.name for entry in after.catalogue}


def test_a_manager_is_demoted_before_it_leaves() -> None:
    assert list_kinds(planned(Departure("m2")))[2:5] == ["Demote", "LeaveSwarm", "RemoveMember"]
    assert {getattr(step.operation, "via", "m1") for step in planned(Departure("m1")).steps} <= {"m1", "m2", "c1"}
    assert planned(Departure("m1")).manager == "m2", "it does not speak for the swarm that it leaves"


def test_a_machine_that_does_not_answer() -> None:
    gone = change_member(seen(w1=DOWN), "n-w1", state="down")
    (obstacle,) = planned(Departure("w1"), gone).blocked
    assert obstacle.unreachable
    assert "--force" in obstacle.help
    assert list_kinds(planned(Departure("w1", force=True), gone)) == ["RemoveMember", "DeregisterNode"]


class TestRefused:
    def test_a_server_of_consul(self) -> None:
        assert planned(Departure("c1")).blocked[0].reason == "it runs one of Consul's servers"

    def test_the_majority_of_the_managers_that_are_left(self) -> None:
        lame = change_member(seen(), "n-m3", state="down")
        assert [one.reason for one in planned(Departure("m2"), lame).blocked] == [
            "1 of the other 2 managers answer: none could be demoted"
        ]
        assert planned(Departure("m2", force=True), lame).blocked, "raft itself would not do it"

    def test_the_last_manager(self) -> None:
        look = seen(m2=DOWN, m3=DOWN)
        assert "the only manager that answers" in planned(Departure("m1", force=True), look).blocked[0].reason

    def test_a_service_that_has_nowhere_to_go(self) -> None:
        body = with_constraints(make_service("db_redis", 1), "node.hostname == w1")
        stuck = change_swarm(seen(), services=(deploy_service(body),))
        assert planned(Departure("w1"), stuck, w1=("db_redis",)).steps == ()
        assert planned(Departure("w1", force=True), stuck, w1=("db_redis",)).steps


@pytest.mark.parametrize(
    ("text", "ours", "left"),
    [
        ('{"debug": true, "registry-mirrors": ["x"]}', {"registry-mirrors": ["y"]}, {"debug": True}),
        ('{"log-opts": {"max-size": "1m", "tag": "x"}}', {"log-opts": {"tag": "x"}}, {"log-opts": {"max-size": "1m"}}),
        ('{"log-opts": {"tag": "x"}}', {"log-opts": {"tag": "x"}}, {}),
        ('{"debug": true}', {"labels": []}, None),
        ("", {"labels": []}, None),
        ("no json", {"labels": []}, None),
        ("[1]", {"labels": []}, None),
    ],
)
def test_what_git_put_into_daemon_json_goes_and_nothing_else(text: str, ours: dict[str, object], left: object) -> None:
    found = without_ours(text, ours)
    assert (json.loads(found) if found is not None else None) == left
