"""Plans as people read them: golden text, written by hand from the order of docs/stacks.md."""

from dataclasses import replace
from textwrap import dedent

from deployer.model.cluster import Consul
from deployer.model.observed import Unreachable
from deployer.model.stack import Dependency
from deployer.plan.text import plan_text
from tests.decisions import decide
from tests.literals.demo import (
    ADDRESSES,
    ALIVE,
    BARE,
    FRONT,
    NODES,
    REDIS,
    SWARMTEST,
    WEB,
    WITH_MIRRORS,
    make_demo,
    plan_demo,
)
from tests.literals.desired import ALONE, make_cluster, make_desired, make_node, make_source
from tests.literals.live import change_by_hand
from tests.literals.machines import DOWN, make_engine, make_machine
from tests.literals.stacks import make_network, make_service, make_stack, with_container, with_networks
from tests.literals.swarm import change_swarm, make_member, make_standing


def test_four_bare_machines_and_two_stacks() -> None:
    assert plan_text(plan_demo(BARE)) == dedent("""\
        Plan for sandbox at 0123456789

        ~ #1 consul: write daemon.json, before the engine's first start (changed in git)
               registry-mirrors: (none) -> ["http://registry:5000"]
        ~ #2 master: write daemon.json, before the engine's first start (changed in git)
               registry-mirrors: (none) -> ["http://registry:5000"]
        ~ #3 slave: write daemon.json, before the engine's first start (changed in git)
               registry-mirrors: (none) -> ["http://registry:5000"]
        ~ #4 slave2: write daemon.json, before the engine's first start (changed in git)
               registry-mirrors: (none) -> ["http://registry:5000"]
        + #5 consul: install Docker from the distribution's packages (not found)
        + #6 master: install Docker from the distribution's packages (not found)
        + #7 slave: install Docker from the distribution's packages (not found)
        + #8 slave2: install Docker from the distribution's packages (not found)
        + #9 master: start the swarm at 10.0.0.2 (not found)
        + #10 slave: join the swarm of master as worker at 10.0.0.3 (not found)
        + #11 slave2: join the swarm of master as worker at 10.0.0.4 (not found)
        + #12 consul: run deployer-consul from hashicorp/consul:1.20 (not found)
        . #13 consul: wait until Consul has a leader
        + #14 master: register at 10.0.0.2 in Consul on consul (not found)
        + #15 slave: register at 10.0.0.3 in Consul on consul (not found)
        + #16 slave2: register at 10.0.0.4 in Consul on consul (not found)
        + #17 swarmtest_default: create network (not found)
        + #18 proxy_default: create network (not found)
        + #19 swarmtest_redis: create service, 1 replica (not found)
        + #20 swarmtest_web: create service, 3 replicas (not found)
        . #21 swarmtest: wait up to 180 s for swarmtest_redis, swarmtest_web
        + #22 proxy_nginx-proxy: create service, 1 replica (not found)
        . #23 proxy: wait up to 180 s for proxy_nginx-proxy

        Plan: 16 to add, 4 to change, 0 to remove (0 unchanged).
        """)


def test_nothing_to_do() -> None:
    # 4 machines, 3 members, 1 server and 3 registrations, 2 networks, 3 services
    assert plan_text(plan_demo(make_demo())) == dedent("""\
        Plan for sandbox at 0123456789

        No changes: everything is as 0123456789 says (16 unchanged).
        """)


def test_one_count_differs() -> None:
    five = replace(SWARMTEST, services=(REDIS, {**WEB, "Mode": {"Replicated": {"Replicas": 5}}}))
    assert plan_text(plan_demo(make_demo(), objects=(five, FRONT))) == dedent("""\
        Plan for sandbox at 0123456789

        ~ #1 swarmtest_web: update service, 5 replicas (count differs): starts 2 tasks
               Mode.Replicated.Replicas: 3 -> 5
        . #2 swarmtest: wait up to 180 s for swarmtest_web
               on failure: swarmtest_web back to image counter:1, 3 replicas

        Plan: 0 to add, 1 to change, 0 to remove (15 unchanged).
        """)


def test_somebody_scaled_by_hand() -> None:
    scaled = replace(change_by_hand(ALIVE["swarmtest_web"], Mode={"Replicated": {"Replicas": 1}}), running=1, wanted=1)
    assert plan_text(plan_demo(make_demo({"swarmtest_web": scaled}))) == dedent("""\
        Plan for sandbox at 0123456789

        ~ #1 swarmtest_web: update service, 3 replicas (drifted): starts 2 tasks
               Mode.Replicated.Replicas: 1 -> 3
        . #2 swarmtest: wait up to 180 s for swarmtest_web
               on failure: swarmtest_web back to image counter:1, 1 replica

        Plan: 0 to add, 1 to change, 0 to remove (15 unchanged).
        """)


def test_tasks_that_do_not_run_yet_are_waited_for() -> None:
    starting = replace(ALIVE["swarmtest_web"], running=2)
    assert plan_text(plan_demo(make_demo({"swarmtest_web": starting}))) == dedent("""\
        Plan for sandbox at 0123456789

        . #1 swarmtest: wait up to 180 s for swarmtest_web (not healthy yet)

        Plan: 0 to add, 0 to change, 0 to remove (15 unchanged).
        """)


def test_an_update_that_was_paused_is_taken_up_again() -> None:
    paused = replace(ALIVE["swarmtest_web"], update_state="paused", running=2)
    assert plan_text(plan_demo(make_demo({"swarmtest_web": paused}))) == dedent("""\
        Plan for sandbox at 0123456789

        ~ #1 swarmtest_web: update service, 3 replicas (not healthy yet): restarts the tasks that are not as defined, 1 at a time, stop-first
        . #2 swarmtest: wait up to 180 s for swarmtest_web

        Plan: 0 to add, 1 to change, 0 to remove (15 unchanged).
        """)


def test_an_unreachable_worker_holds_nothing_up() -> None:
    two = replace(SWARMTEST, services=(REDIS, with_container(WEB, Image="counter:2")))
    assert plan_text(plan_demo(make_demo(slave2=DOWN), objects=(two, FRONT))) == dedent("""\
        Plan for sandbox at 0123456789

        ~ #1 swarmtest_web: update service, 3 replicas (changed in git): restarts 3 tasks, 1 at a time, stop-first
               TaskTemplate.ContainerSpec.Image: counter:1 -> counter:2
        . #2 swarmtest: wait up to 180 s for swarmtest_web
               on failure: swarmtest_web back to image counter:1, 3 replicas

        ! slave2: no answer within 5 s
            is it on?

        Plan: 0 to add, 1 to change, 0 to remove (12 unchanged); 1 cannot be done.
        """)


def test_the_machine_of_consul_is_unreachable() -> None:
    seen = replace(make_demo(consul=DOWN), catalogue=DOWN)
    assert plan_text(plan_demo(seen)) == dedent("""\
        Plan for sandbox at 0123456789

        ! consul: no answer within 5 s
            is it on?
        ! consul: its machine consul is unreachable
            bring it back

        Plan: 0 to add, 0 to change, 0 to remove (11 unchanged); 2 cannot be done.
        """)


def test_a_run_was_killed_before_consul_had_a_leader() -> None:
    seen = replace(make_demo(), catalogue=Unreachable("No cluster leader"))
    assert plan_text(plan_demo(seen)) == dedent("""\
        Plan for sandbox at 0123456789

        . #1 consul: wait until Consul has a leader
        + #2 master: register at 10.0.0.2 in Consul on consul (could not be read)
        + #3 slave: register at 10.0.0.3 in Consul on consul (could not be read)
        + #4 slave2: register at 10.0.0.4 in Consul on consul (could not be read)

        Plan: 3 to add, 0 to change, 0 to remove (13 unchanged).
        """)


def test_one_machine_joins_the_swarm_that_is_there() -> None:
    new = make_node("slave3", labels={"zone": "b"}, availability="drain")
    seen = make_demo(slave3=make_machine("10.0.0.5"))
    assert plan_text(plan_demo(seen, make_cluster(*NODES, new, consul=Consul()))) == dedent("""\
        Plan for sandbox at 0123456789

        + #1 slave3: install Docker from the distribution's packages (not found)
        + #2 slave3: join the swarm of master as worker at 10.0.0.5 (not found)
        ~ #3 slave3: set role, availability and labels in the swarm (not found)
               availability: active -> drain
               labels.zone: (none) -> b
        + #4 slave3: register at 10.0.0.5 in Consul on consul (not found)

        Plan: 3 to add, 1 to change, 0 to remove (16 unchanged).
        """)


def test_promotions_come_before_demotions_and_the_manager_that_is_asked_stays_one() -> None:
    nodes = make_cluster(
        NODES[0], make_node("master"), make_node("slave", labels={"zone": "a"}), make_node("slave2", "manager")
    )
    seen = make_demo(empty=True, slave=make_machine("10.0.0.3", make_engine("n-slave", manager=True)))
    members = (make_member("n-master", "manager"), make_member("n-slave", "manager"), make_member("n-slave2"))
    assert plan_text(decide(make_desired(nodes), change_swarm(seen, members=members))) == dedent("""\
        Plan for sandbox at 0123456789

        ~ #1 slave2: set role, availability and labels in the swarm (changed in git)
               role: worker -> manager
        ~ #2 slave: set role, availability and labels in the swarm (changed in git)
               labels.zone: (none) -> a
               role: manager -> worker
        ~ #3 master: set role, availability and labels in the swarm (changed in git)
               role: manager -> worker

        Plan: 0 to add, 3 to change, 0 to remove (4 unchanged).
        """)


def test_another_manager_takes_over_from_the_only_one() -> None:
    """What is asked of the swarm is asked of `master` to the end: its own demotion is the last step."""
    nodes = make_cluster(NODES[0], make_node("master"), NODES[2], make_node("slave2", "manager"))
    two = replace(SWARMTEST, services=(REDIS, with_container(WEB, Image="counter:2")))
    seen = make_demo(consul=make_machine(ADDRESSES["consul"], make_engine(), daemon_json=WITH_MIRRORS))
    assert plan_text(plan_demo(seen, nodes, objects=(two, FRONT))) == dedent("""\
        Plan for sandbox at 0123456789

        ~ #1 slave2: set role, availability and labels in the swarm (changed in git)
               role: worker -> manager
        ~ #2 swarmtest_web: update service, 3 replicas (changed in git): restarts 3 tasks, 1 at a time, stop-first
               TaskTemplate.ContainerSpec.Image: counter:1 -> counter:2
        . #3 swarmtest: wait up to 180 s for swarmtest_web
               on failure: swarmtest_web back to image counter:1, 3 replicas
        ~ #4 master: set role, availability and labels in the swarm (changed in git)
               role: manager -> worker

        Plan: 0 to add, 3 to change, 0 to remove (9 unchanged).
        """)


def test_stacks_after_stacks_and_services_after_services() -> None:
    objects = (
        make_stack("a", make_service("a_one", 1)),
        make_stack("b", make_service("b_two", 1), make_service("b_one", 1), order=(Dependency("b_one", "b_two"),)),
        make_stack("c", make_service("c_one", Mode={"Global": {}})),
    )
    sources = (make_source("a", "b", wait="5m"), make_source("b", "c"), make_source("c", wait="90s"))
    assert plan_text(decide(make_desired(ALONE, *sources), make_standing(), objects)) == dedent("""\
        Plan for sandbox at 0123456789

        + #1 c_one: create service, one on every machine (not found)
        . #2 c: wait up to 90 s for c_one
        + #3 b_two: create service, 1 replica (not found)
        + #4 b_one: create service, 1 replica (not found)
        . #5 b: wait up to 180 s for b_one, b_two
        + #6 a_one: create service, 1 replica (not found)
        . #7 a: wait up to 300 s for a_one

        Plan: 4 to add, 0 to change, 0 to remove (2 unchanged).
        """)


def test_stacks_that_use_each_others_networks() -> None:
    """No order of the two stacks would do: the networks of all come first."""
    one, other = (with_networks(make_service(f"{name}_one", 1), "a_n", "b_n") for name in "ab")
    objects = (
        make_stack("a", one, networks=(make_network("a_n"),), external=(("network", "b_n"),)),
        make_stack("b", other, networks=(make_network("b_n"),), external=(("network", "a_n"),)),
    )
    found = decide(make_desired(ALONE, make_source("a"), make_source("b")), make_standing(), objects)
    assert plan_text(found) == dedent("""\
        Plan for sandbox at 0123456789

        + #1 a_n: create network (not found)
        + #2 b_n: create network (not found)
        + #3 a_one: create service, 1 replica (not found)
        . #4 a: wait up to 180 s for a_one
        + #5 b_one: create service, 1 replica (not found)
        . #6 b: wait up to 180 s for b_one

        Plan: 4 to add, 0 to change, 0 to remove (2 unchanged).
        """)
    assert [step.needs or step.any_of for step in found.steps] == [(), (), (1, 2), (3,), (1, 2), (5,)]


def test_engines_restart_one_after_the_other() -> None:
    nodes = make_cluster(make_node("master", "manager", daemon={"mtu": 1400}), make_node("slave", daemon={"mtu": 1400}))
    found = decide(make_desired(nodes), make_standing(("master",), ("slave",)))
    assert plan_text(found) == dedent("""\
        Plan for sandbox at 0123456789

        ~ #1 master: write daemon.json, the engine restarts (changed in git)
               mtu: (none) -> 1400
        ~ #2 slave: write daemon.json, the engine restarts (changed in git)
               mtu: (none) -> 1400

        Plan: 0 to add, 2 to change, 0 to remove (2 unchanged).
        """)
    assert [step.needs for step in found.steps] == [(), (1,)]
