"""A machine that goes: in which order, what is refused, and what of it is taken away."""

import json
from dataclasses import replace
from textwrap import dedent

import pytest

from deployer.model.cluster import Consul
from deployer.model.observed import CatalogueNode, Container, Machine, Observed, TlsListener, Unreachable
from deployer.plan import Plan, plan_text
from deployer.plan.departure import Departure, departure_plan, without_ours
from tests.literals.desired import make_cluster, make_desired, make_node
from tests.literals.machines import DOWN, make_engine, make_machine
from tests.literals.stacks import deploy_service, make_service, with_template
from tests.literals.swarm import make_member, make_observed, make_swarm

MIRRORS = {"registry-mirrors": ["http://r"]}
NODES = (
    make_node("c1", "none", consul="server"), make_node("m1", "manager"), make_node("m2", "manager"), make_node("m3", "manager"),
    make_node("w1", daemon=MIRRORS),
)  # fmt: skip
OWN = (Container("r", "deployer-registrator", "running", {}), Container("c", "deployer-consul", "running", {}))


def seen(*states: str, **changes: Machine | Unreachable) -> Observed:
    """`states` are those of the managers."""
    managers = {name: make_machine(engine=make_engine(f"n-{name}", manager=True)) for name in ("m1", "m2", "m3")}
    worker = make_machine(
        engine=make_engine("n-w1", containers=OWN), daemon_json=json.dumps({**MIRRORS, "debug": True})
    )
    there: dict[str, Machine | Unreachable] = {
        "c1": make_machine(engine=make_engine()),
        **managers,
        "w1": worker,
        **changes,
    }
    ready = [*states, *["ready"] * 3]
    members = [
        replace(make_member(f"n-{name}", "manager", state=state), hostname=name)
        for name, state in zip(managers, ready, strict=False)
    ]
    lost = isinstance(changes.get("w1"), Unreachable)
    members.append(replace(make_member("n-w1", state="down" if lost else "ready"), hostname="w1"))
    catalogue = tuple(CatalogueNode(name, "10.0.0.1", {}) for name in there)
    return make_observed(
        there, make_swarm(*members, via="m1", services=(deploy_service(make_service("web_app", 2)),)), catalogue
    )


def planned(departure: Departure, look: Observed | None = None, **tasks: tuple[str, ...]) -> Plan:
    here = {f"n-{name}": services for name, services in tasks.items()}
    return departure_plan(make_desired(make_cluster(*NODES, consul=Consul())), look or seen(), here, departure)


def steps(plan: Plan) -> list[str]:
    return [type(step.operation).__name__ for step in plan.steps]


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
    worker = make_machine(engine=make_engine("n-w1", containers=OWN), tls=listener)
    assert steps(planned(Departure("w1", purge=True), seen(w1=worker)))[-2:] == ["StopTls", "PurgeEngine"]
    assert "StopTls" not in steps(planned(Departure("w1"), seen(w1=worker)))


def test_without_purge_its_engine_and_volumes_stay() -> None:
    plan = planned(Departure("w1"))
    assert steps(plan)[-2:] == ["RemoveOwn", "DeregisterNode"]
    assert "volume" not in plan_text(plan)


def test_a_manager_is_demoted_before_it_leaves() -> None:
    assert steps(planned(Departure("m2")))[2:5] == ["Demote", "LeaveSwarm", "RemoveMember"]
    assert {getattr(step.operation, "via", "m1") for step in planned(Departure("m1")).steps} <= {"m1", "m2", "c1"}
    assert planned(Departure("m1")).manager == "m2", "it does not speak for the swarm that it leaves"


def test_a_machine_that_does_not_answer() -> None:
    gone = seen(w1=DOWN)
    (obstacle,) = planned(Departure("w1"), gone).blocked
    assert obstacle.unreachable
    assert "--force" in obstacle.help
    assert steps(planned(Departure("w1", force=True), gone)) == ["RemoveMember", "DeregisterNode"]


class TestRefused:
    def test_a_server_of_consul(self) -> None:
        assert planned(Departure("c1")).blocked[0].reason == "it runs one of Consul's servers"

    def test_the_majority_of_the_managers_that_are_left(self) -> None:
        lame = seen("ready", "ready", "down")
        assert [one.reason for one in planned(Departure("m2"), lame).blocked] == [
            "1 of the other 2 managers answer: none could be demoted"
        ]
        assert planned(Departure("m2", force=True), lame).blocked, "raft itself would not do it"

    def test_the_last_manager(self) -> None:
        look = seen(m2=DOWN, m3=DOWN)
        assert "the only manager that answers" in planned(Departure("m1", force=True), look).blocked[0].reason

    def test_a_service_that_has_nowhere_to_go(self) -> None:
        look = seen()
        assert look.swarm is not None
        body = with_template(make_service("db_redis", 1), Placement={"Constraints": ["node.hostname == w1"]})
        stuck = replace(look, swarm=replace(look.swarm, services=(deploy_service(body),)))
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
