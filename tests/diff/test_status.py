"""Two words for every machine and stack."""

from typing import Any

import pytest

from deployer.model.cluster import Consul
from deployer.model.field import Field
from deployer.model.observed import CatalogueNode, LiveService, Machine, Observed, Registrations, Silent, Unreachable
from deployer.model.registrator import Registrator
from deployer.model.stack import StackObjects
from deployer.model.status import NodeStatus, RegistratorStatus, StackStatus, worst
from tests.decisions import get_status
from tests.literals.desired import ALONE, make_cluster, make_desired, make_node, make_source
from tests.literals.live import change_by_hand, deploy_service, disown_service, make_foreign
from tests.literals.machines import DOWN, make_engine, make_machine
from tests.literals.stacks import make_network, make_service, make_stack, with_template
from tests.literals.swarm import change_member, make_observed, make_standing

MASTER = make_node("master", "manager")
WEB = make_service("s_web", 2)


def stack_status(seen: Observed, *objects: StackObjects) -> StackStatus:
    return get_status(make_desired(ALONE, make_source("s")), seen, objects).stacks[0]


def with_services(*services: LiveService) -> Observed:
    return make_standing(services=services)


class TestStack:
    @pytest.mark.parametrize(
        ("state", "sync", "health"),
        [
            pytest.param({}, "Synced", "Healthy", id="all run"),
            pytest.param({"running": 1}, "Synced", "Progressing", id="some run"),
            pytest.param({"running": 0}, "Synced", "Degraded", id="none runs"),
            pytest.param({"update_state": "updating"}, "Synced", "Progressing", id="updating"),
            pytest.param({"update_state": "paused"}, "Synced", "Degraded", id="paused"),
            pytest.param({"update_state": "rollback_paused"}, "Synced", "Degraded", id="rollback paused"),
            pytest.param({"update_state": "rollback_completed"}, "Synced", "Healthy", id="git was reverted too"),
        ],
    )
    def test_as_defined(self, state: dict[str, Any], sync: str, health: str) -> None:
        found = stack_status(with_services(deploy_service(WEB, **state)), make_stack("s", WEB))
        assert (found.sync, found.health) == (sync, health)
        assert (found.services[0].sync, found.services[0].health) == (sync, health)

    def test_one_that_git_does_not_have_any_more(self) -> None:
        seen = with_services(deploy_service(WEB), deploy_service(make_service("t_a", 2), running=1))
        found = get_status(make_desired(ALONE, make_source("s")), seen, (make_stack("s", WEB),))
        assert [(one.name, one.sync, one.health, one.note) for one in found.stacks] == [
            ("s", "Synced", "Healthy", ""),
            ("t", "OutOfSync", "Degraded", "not in git any more"),
        ]
        assert not found.well

    def test_changed(self) -> None:
        found = stack_status(with_services(deploy_service(WEB)), make_stack("s", make_service("s_web", 3)))
        assert (found.sync, found.health) == ("OutOfSync", "Healthy")

    @pytest.mark.parametrize("policy", ["correct", "report"])
    def test_drifted_whether_it_is_set_back_or_not(self, policy: Any) -> None:
        scaled = with_services(change_by_hand(deploy_service(WEB), Mode={"Replicated": {"Replicas": 7}}))
        wanted = make_desired(ALONE, make_source("s", drift=policy))
        (found,) = get_status(wanted, scaled, [make_stack("s", WEB)]).stacks
        (row,) = found.services
        assert (found.sync, row.sync, row.health, row.note) == (
            "OutOfSync",
            "OutOfSync",
            "Healthy",
            "drifted: Mode.Replicated.Replicas",
        )
        assert row.drift == (Field("Mode.Replicated.Replicas", 7, 2),)

    def test_an_update_that_was_rolled_back(self) -> None:
        seen = with_services(deploy_service(WEB, update_state="rollback_completed"))
        found = stack_status(seen, make_stack("s", make_service("s_web", 2, "app:2")))
        assert (found.sync, found.health) == ("OutOfSync", "Degraded")
        assert found.services[0].note == "rollback completed"

    def test_missing(self) -> None:
        found = stack_status(with_services(), make_stack("s", WEB))
        assert (found.sync, found.health) == ("OutOfSync", "Missing")

    def test_missing_as_there_is_no_swarm_yet(self) -> None:
        found = stack_status(make_observed({"master": make_machine()}), make_stack("s", WEB))
        assert (found.sync, found.health) == ("OutOfSync", "Missing")

    def test_unknown_while_no_manager_answers(self) -> None:
        found = stack_status(make_observed({"master": DOWN}), make_stack("s", WEB))
        assert (found.sync, found.health, found.services[0].health) == ("Unknown", "Unknown", "Unknown")

    def test_somebody_elses_service_is_not_ours_in_order(self) -> None:
        found = stack_status(with_services(disown_service(deploy_service(WEB))), make_stack("s", WEB))
        assert (found.sync, found.services[0].sync) == ("OutOfSync", "OutOfSync")
        assert found.note == "it exists and is not this cluster's (no label deployer.cluster of it)"

    def test_a_network_that_is_not_ours(self) -> None:
        theirs = make_foreign("network", make_network("s_n"))
        seen = make_standing(services=(deploy_service(WEB),), objects=(theirs,))
        assert stack_status(seen, make_stack("s", WEB, networks=(make_network("s_n"),))).sync == "OutOfSync"

    def test_nothing_is_wanted_and_nothing_runs(self) -> None:
        body = make_service("s_web", 0)
        found = stack_status(with_services(deploy_service(body)), make_stack("s", body))
        assert (found.sync, found.health) == ("Synced", "Healthy")


class TestNode:
    def one(self, seen: Machine | Unreachable, *, role: Any = "worker", state: str = "ready") -> NodeStatus:
        standing = make_standing(workers=("slave",), machines={"slave": seen})
        look = change_member(standing, "n-slave", state=state)
        return get_status(make_desired(make_cluster(MASTER, make_node("slave", role))), look).nodes[1]

    def test_in_order(self) -> None:
        found = self.one(make_machine("10.0.0.3", make_engine("n-slave")))
        assert found == NodeStatus("slave", "192.0.2.1", "10.0.0.3", "worker", "26.1.5", None, "Synced", "Healthy", "")

    @pytest.mark.parametrize(
        ("seen", "sync", "health", "note"),
        [
            (DOWN, "Unknown", "Unknown", "no answer within 5 s"),
            (make_machine(), "OutOfSync", "Missing", "no Docker engine answers there"),
            (make_machine(engine=Silent("x")), "OutOfSync", "Missing", "its Docker engine does not answer: x"),
            (make_machine(engine=make_engine()), "OutOfSync", "Missing", "not in the swarm"),
            (
                make_machine(engine=make_engine("n-x")),
                "OutOfSync",
                "Missing",
                "it is in a swarm that is not this cluster's",
            ),
        ],
    )
    def test_not_in_order(self, seen: Machine | Unreachable, sync: str, health: str, note: str) -> None:
        found = self.one(seen)
        assert (found.sync, found.health, found.note) == (sync, health, note)

    def test_a_member_that_its_manager_does_not_hear(self) -> None:
        found = self.one(make_machine(engine=make_engine("n-slave")), state="down")
        assert (found.sync, found.health, found.note) == ("Synced", "Degraded", "the swarm says: down")

    def test_not_in_a_swarm_by_intent(self) -> None:
        assert self.one(make_machine(engine=make_engine()), role="none").health == "Healthy"

    @pytest.mark.parametrize(
        ("there", "health"),
        [(make_engine(), "Missing"), (make_engine("n-slave"), "Unknown")],
        ids=["not in one", "in one that cannot be asked"],
    )
    def test_without_a_manager(self, there: Any, health: str) -> None:
        wanted = make_desired(make_cluster(MASTER, make_node("slave")))
        look = make_observed({"master": DOWN, "slave": make_machine(engine=there)})
        assert get_status(wanted, look).nodes[1].health == health

    @pytest.mark.parametrize("availability", ["pause", "drain"])
    def test_suspended(self, availability: Any) -> None:
        wanted = make_desired(make_cluster(make_node("master", "manager", availability=availability)))
        found = get_status(wanted, change_member(make_standing(), "n-master", availability=availability))
        assert (found.nodes[0].sync, found.nodes[0].health, found.nodes[0].note) == (
            "Synced",
            "Suspended",
            availability,
        )
        assert found.well

    @pytest.mark.parametrize(
        ("catalogue", "expected"),
        [
            ((CatalogueNode("master", "10.0.0.2", {}),), True),
            ((), False),
            (None, False),
            (Unreachable("No cluster leader"), None),
        ],
        ids=["known", "not known", "no Consul yet", "Consul cannot be asked"],
    )
    def test_catalogue(self, catalogue: Any, expected: bool | None) -> None:  # noqa: FBT001 - a table's column
        cluster = make_cluster(make_node("master", "manager", consul="server"), consul=Consul())
        (found,) = get_status(make_desired(cluster), make_standing(catalogue=catalogue)).nodes
        assert found.catalogue is expected


class TestRegistrator:
    def one(self, told: Registrations | Unreachable | None, *, section: Registrator | None) -> NodeStatus:
        node = make_node("master", "manager", consul="server")
        cluster = make_cluster(node, consul=Consul(), registrator=section, registrator_image="r:1")
        registered = {"master": told} if told else {}
        return get_status(make_desired(cluster), make_standing(catalogue=()), registered=registered).nodes[0]

    def test_a_cluster_without_one(self) -> None:
        assert self.one(None, section=None).registrator is None

    def test_it_does_not_run(self) -> None:
        found = self.one(None, section=Registrator())
        assert (found.registrator, found.sync) == (RegistratorStatus(running=False), "OutOfSync")

    def test_nobody_could_be_asked(self) -> None:
        assert self.one(DOWN, section=Registrator()).registrator == RegistratorStatus(running=True)

    def test_all_is_there(self) -> None:
        found = self.one(Registrations(3), section=Registrator())
        assert (found.registrator, found.health) == (RegistratorStatus(True, 3), "Healthy")

    def test_it_is_behind(self) -> None:
        found = self.one(Registrations(3, ("web", "api"), ("x:gone:80",)), section=Registrator())
        assert found.registrator is not None
        assert found.registrator.behind == 3
        assert (found.health, found.note) == ("Progressing", "not in Consul: web, api; in Consul and gone: x:gone:80")


@pytest.mark.parametrize(
    ("parts", "whole"),
    [
        ([], "Healthy"),
        (["Healthy", "Suspended"], "Suspended"),
        (["Healthy", "Progressing", "Suspended"], "Progressing"),
        (["Progressing", "Degraded"], "Degraded"),
        (["Degraded", "Missing"], "Missing"),
        (["Missing", "Unknown"], "Unknown"),
    ],
)
def test_the_whole_is_as_its_worst_part(parts: list[Any], whole: str) -> None:
    assert worst(parts) == whole
    assert worst(reversed(parts)) == whole


def test_what_runs_once_is_well_when_it_ended_well() -> None:
    once = with_template(make_service("s_job", 1), RestartPolicy={"Condition": "none"})
    ended = stack_status(with_services(deploy_service(once, running=0, completed=1)), make_stack("s", once))
    assert [(one.running, one.wanted, one.health) for one in ended.services] == [(1, 1, "Healthy")]
    failed = stack_status(with_services(deploy_service(once, running=0, failed=1)), make_stack("s", once))
    assert [(one.health, one.note) for one in failed.services] == [("Degraded", "1 of 1 failed")]
