"""Plans that take something away, as people read them."""

from __future__ import annotations

from textwrap import dedent
from typing import TYPE_CHECKING

from deployer.diff.cluster import diff
from deployer.model.cluster import Consul
from deployer.model.observed import Container
from deployer.plan.text import plan_text
from tests.decisions import decide, list_reasons
from tests.literals.consul import make_entry
from tests.literals.desired import ALONE, make_cluster, make_desired, make_node, make_source
from tests.literals.live import deploy_object, deploy_service, disown_service
from tests.literals.machines import DOWN, make_engine, make_machine
from tests.literals.stacks import make_content, make_network, make_service, make_stack, with_container, with_networks
from tests.literals.swarm import change_swarm, make_member, make_standing
from tests.model_cluster import run_plan

if TYPE_CHECKING:
    from collections.abc import Sequence

    from deployer.model.desired import Desired
    from deployer.model.observed import LiveObject, LiveService, Machine, Member, Observed
    from deployer.model.stack import StackObjects
    from deployer.plan.steps import Plan

HOLDS_80 = {"Ports": [{"TargetPort": 80, "PublishedPort": 80}]}


def plan(
    stacks: Sequence[StackObjects], services: Sequence[LiveService] = (), objects: Sequence[LiveObject] = ()
) -> Plan:
    wanted = make_desired(ALONE, *(make_source(one.stack) for one in stacks))
    return plan_of(wanted, make_standing(services=services, objects=objects), stacks)


def plan_of(wanted: Desired, seen: Observed, stacks: Sequence[StackObjects]) -> Plan:
    """Of any plan here: what it removes can be removed in that order, and afterwards there is nothing left to do."""
    found = decide(wanted, seen, stacks)
    assert not decide(wanted, run_plan(seen, found), stacks).steps
    return found


def test_removals_are_the_last_steps_and_wait_for_what_has_to_do_with_them() -> None:
    web = make_service("s_web", 2)
    config = f"s_site-{9:012x}"
    now = with_container(web, Image="app:2")
    objects = [
        deploy_object("network", make_network("s_old"), stack="s"),
        deploy_object("network", make_network("t_n"), stack="t"),
    ]
    contents = [deploy_object("config", make_content(f"s_site-{n:012x}"), stack="s", created=str(n)) for n in range(5)]
    found = plan(
        [make_stack("s", now, configs=(make_content(config),)), make_stack("u", make_service("u_a", 1))],
        [
            deploy_service(web),
            deploy_service(with_networks(make_service("s_gone", 1), "id-s_old")),
            deploy_service(with_networks(make_service("t_x", 3), "id-t_n")),
        ],
        [*objects, *contents],
    )
    assert plan_text(found) == dedent("""\
        Plan for sandbox at 0123456789

        + #1 s_site-000000000009: create config (not found)
        ~ #2 s_web: update service, 2 replicas (changed in git): restarts 2 tasks, 1 at a time, stop-first
               TaskTemplate.ContainerSpec.Image: app:1 -> app:2
        . #3 s: wait up to 180 s for s_web
               on failure: s_web back to image app:1, 2 replicas
        + #4 u_a: create service, 1 replica (not found)
        . #5 u: wait up to 180 s for u_a
        - #6 t_x: remove service and its 3 tasks (not in git any more)
        - #7 s_gone: remove service and its 1 task (not in git any more)
        - #8 s_site-000000000000: remove config (superseded)
        - #9 s_site-000000000001: remove config (superseded)
        - #10 s_old: remove network (not in git any more)
        - #11 t_n: remove network (not in git any more)

        Plan: 2 to add, 1 to change, 6 to remove (2 unchanged).
        """)
    needs = {step.number: step.needs for step in found.steps}
    assert needs[6] == (1, 2, 3, 4, 5), "a stack of another name may be what takes its place"
    assert needs[7] == needs[8][:3] == (1, 2, 3)
    assert set(needs[10]) == {1, 2, 3, 7}
    assert set(needs[11]) == {1, 2, 3, 4, 5, 6}


def test_a_service_that_holds_a_port_goes_before_the_one_that_needs_it() -> None:
    found = plan(
        [make_stack("s", make_service("s_new", 1, EndpointSpec=HOLDS_80))],
        [deploy_service(make_service("s_old", 1, EndpointSpec=HOLDS_80))],
    )
    assert plan_text(found) == dedent("""\
        Plan for sandbox at 0123456789

        - #1 s_old: remove service and its 1 task (not in git any more)
        + #2 s_new: create service, 1 replica (not found)
        . #3 s: wait up to 180 s for s_new

        Plan: 1 to add, 0 to change, 1 to remove (2 unchanged).
        """)
    assert found.steps[1].needs == (1,)


def test_a_network_is_replaced_with_all_that_is_on_it() -> None:
    """Also what another stack has on it, and what git does not have any more; what was taken down comes up whatever fails."""
    web, other = with_networks(make_service("s_web", 2), "s_n"), with_networks(make_service("t_x", 1), "s_n")
    found = plan(
        [
            make_stack("s", web, networks=(make_network("s_n", Internal=True),)),
            make_stack("t", other, external=(("network", "s_n"),)),
        ],
        [
            deploy_service(with_networks(make_service(name, count), "id-s_n"))
            for name, count in (("s_web", 2), ("t_x", 1), ("s_gone", 1))
        ],
        [deploy_object("network", make_network("s_n"), stack="s")],
    )
    assert plan_text(found) == dedent("""\
        Plan for sandbox at 0123456789

        - #1 s_gone: remove service and its 1 task (not in git any more)
        - #2 s_web: remove service and its 2 tasks until s_n is replaced (its network is replaced)
        - #3 t_x: remove service and its 1 task until s_n is replaced (its network is replaced)
        -/+ #4 s_n: replace network (changed in git)
               Internal: false -> true
        + #5 s_web: create service, 2 replicas (its network is replaced)
        . #6 s: wait up to 180 s for s_web
        + #7 t_x: create service, 1 replica (its network is replaced)
        . #8 t: wait up to 180 s for t_x

        Plan: 3 to add, 0 to change, 4 to remove (2 unchanged).
        """)
    assert found.steps[3].needs == (1, 2, 3)
    assert (found.steps[4].needs, found.steps[6].needs) == ((2,), (3,))
    assert 4 in found.steps[4].follows


def test_a_network_with_somebody_else_on_it_is_not_replaced() -> None:
    theirs = disown_service(deploy_service(with_networks(make_service("x_y", 1), "id-s_n")))
    found = plan(
        [make_stack("s", make_service("s_web", 1), networks=(make_network("s_n", Internal=True),))],
        [deploy_service(make_service("s_web", 1)), theirs],
        [deploy_object("network", make_network("s_n"))],
    )
    assert found.steps == ()
    (obstacle,) = found.blocked
    assert obstacle.subject == "network s_n"
    assert "service x_y, which is not this cluster's, stays on it" in obstacle.reason


def test_another_mode_makes_another_service() -> None:
    found = plan(
        [make_stack("s", make_service("s_web", Mode={"Global": {}}))], [deploy_service(make_service("s_web", 3))]
    )
    assert plan_text(found) == dedent("""\
        Plan for sandbox at 0123456789

        -/+ #1 s_web: replace service, 3 tasks stop before one on every machine start (changed in git)
               Mode: Replicated -> Global
        . #2 s: wait up to 180 s for s_web

        Plan: 1 to add, 0 to change, 1 to remove (2 unchanged).
        """)


class TestMachines:
    CLUSTER = make_cluster(make_node("consul", "none", consul="server"), *ALONE.nodes, consul=Consul())
    GONE = make_member("n-slave")
    WEB = deploy_service(make_service("s_web", 2))

    def plan(
        self, *gone: Member, master: Machine | None = None, catalogue: Sequence[str] = ("consul", "master")
    ) -> Plan:
        """`gone` are members that git does not have."""
        standing = make_standing(
            others=("consul",),
            services=(self.WEB,),
            catalogue=tuple(make_entry(name, "10.0.0.1", "manager") for name in catalogue),
            machines={"master": master} if master else {},
        )
        seen = change_swarm(standing, members=(make_member("n-master", "manager"), *gone))
        return plan_of(make_desired(self.CLUSTER, make_source("s")), seen, [make_stack("s", make_service("s_web", 2))])

    def lines(self, found: Plan) -> list[str]:
        return [
            line
            for line in plan_text(found).splitlines()
            if line[:1] in "~.-" and ("not in git" in line or "empty" in line)
        ]

    def test_one_is_emptied_and_goes(self) -> None:
        assert self.lines(self.plan(self.GONE, catalogue=("consul", "master", "slave"))) == [
            "~ #3 slave: drain: its tasks go elsewhere (not in git any more)",
            ". #4 slave: wait up to 180 s until it is empty and s_web runs in full without it",
            (
                "- #5 slave: take its entry out of the swarm's list; its engine, containers and volumes stay on it "
                "(not in git any more)"
            ),
            "- #6 slave: take it out of Consul's catalogue (not in git any more)",
        ]

    def test_one_that_is_down_has_nothing_to_wait_for(self) -> None:
        found = self.lines(self.plan(make_member("n-slave", state="down")))
        assert found == ["- #3 slave: take its entry out of the swarm's list (not in git any more)"]

    def test_a_manager_is_demoted_first(self) -> None:
        others = [make_member(f"n-{name}", "manager", marked=False) for name in ("m2", "m3")]
        found = self.lines(self.plan(make_member("n-slave", "manager"), *others))
        assert "make it a worker in the swarm's list" in found[2]

    def test_never_below_the_majority(self) -> None:
        down = make_member("n-m2", "manager", state="down", marked=False)
        found = self.plan(make_member("n-slave", "manager"), down)
        assert not self.lines(found)
        assert list_reasons(found) == [("slave", "it is not in git any more, and 1 of the 2 managers that stay answer")]

    def test_a_member_that_nobody_marked_stays(self) -> None:
        assert self.lines(self.plan(make_member("n-slave", marked=False))) == []

    def test_a_machine_under_another_name_stays(self) -> None:
        renamed = make_machine(engine=make_engine("n-slave", manager=True))
        assert self.lines(self.plan(make_member("n-slave", "manager"), master=renamed)) == []

    def test_one_that_may_be_a_machine_which_does_not_answer_stays(self) -> None:
        cluster = make_cluster(*self.CLUSTER.nodes, make_node("new"), consul=Consul())
        standing = make_standing(others=("consul",), machines={"new": DOWN})
        seen = change_swarm(standing, members=(make_member("n-master", "manager"), self.GONE))
        (kept,) = diff(make_desired(cluster), (), seen).kept
        assert kept.subject == "machine slave"
        assert kept.reason == "new does not answer, and it may be that one under another name"

    def test_containers_and_images_that_no_file_asks_for(self) -> None:
        consul = Container("c", "deployer-consul", "running", {"deployer.role": "consul"})
        registrator = Container(
            "r", "deployer-registrator", "running", {"deployer.role": "registrator", "deployer.joins": "10.0.0.1"}
        )
        there = make_machine(engine=make_engine("n-master", manager=True, containers=(consul, registrator)))
        assert self.lines(self.plan(master=there)) == [
            (
                "- #3 master: remove deployer-registrator, and take what it registered out of the Consul at 10.0.0.1 "
                "(not in git any more)"
            ),
            "- #4 master: leave Consul and remove deployer-consul; its volume stays (not in git any more)",
        ]
