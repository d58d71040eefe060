"""A port that is to be published, and something that is no service holds it: the service is left alone, the holder named."""

from __future__ import annotations

from typing import Any

from deployer.diff.cause import Cause
from deployer.diff.change import Diff
from deployer.diff.held import new_ports, with_held
from deployer.diff.stacks import ServiceDiffers, ServiceMissing, ServiceSurplus
from deployer.model.observed import LiveService, Observed, PortHeld
from tests.decisions import list_reasons
from tests.literals.desired import make_cluster, make_node
from tests.literals.machines import DOWN, make_engine, make_machine
from tests.literals.swarm import change_member, make_observed, make_standing


def body(*ports: tuple[int, str], constraints: tuple[str, ...] = ()) -> dict[str, Any]:
    told = [{"PublishedPort": port, "TargetPort": 80, "PublishMode": mode} for port, mode in ports]
    return {
        "Name": "web_app",
        "TaskTemplate": {"Placement": {"Constraints": list(constraints)}},
        "EndpointSpec": {"Ports": told},
    }


def seen() -> Observed:
    return change_member(make_standing("m", "w"), "n-w", labels={"zone": "b"})


NOBODY = make_cluster()
"""Git has no machine but those that are members."""
NGINX = {"m": (PortHeld(80, "tcp", "nginx (process 12)"),), "w": ()}


def test_every_machine_is_asked_for_the_routing_mesh_and_some_for_a_port_of_their_own() -> None:
    mesh = Diff((ServiceMissing("web", "web_app", body((80, "ingress"))),))
    assert new_ports(mesh, seen(), NOBODY) == (frozenset({(80, "tcp")}), frozenset({"m", "w"}))
    placed = Diff((ServiceMissing("web", "web_app", body((80, "ingress"), constraints=("node.labels.zone==b",))),))
    assert new_ports(placed, seen(), NOBODY).machines == {"m", "w"}, "the mesh listens where no task runs, too"
    own = Diff((ServiceMissing("web", "web_app", body((80, "host"), constraints=("node.labels.zone==b",))),))
    assert new_ports(own, seen(), NOBODY) == (frozenset({(80, "tcp")}), frozenset({"w"}))


def test_nobody_is_asked_where_no_port_is_new() -> None:
    live = LiveService("id", 1, body((80, "ingress")), 1, 1)
    same = Diff((ServiceDiffers("web", "web_app", body((80, "ingress")), live, (), Cause.CHANGED),))
    assert new_ports(same, seen(), NOBODY) == (frozenset(), frozenset())
    assert new_ports(Diff(()), seen(), NOBODY) == (frozenset(), frozenset())


def test_a_service_whose_port_is_held_is_blocked_and_the_holder_named() -> None:
    differences = Diff(
        (ServiceMissing("web", "web_app", body((80, "ingress"))), ServiceMissing("web", "web_db", body()))
    )
    done = with_held(differences, seen(), NOBODY, NGINX)
    assert [change.name for change in done.changes] == ["web_db"]  # type: ignore[union-attr]  # both are services
    assert list_reasons(done) == [("service web_app", "port 80/tcp of m is held by nginx (process 12)")]


def test_a_holder_where_the_service_does_not_run_is_no_matter() -> None:
    differences = Diff((ServiceMissing("web", "web_app", body((80, "host"), constraints=("node.labels.zone==b",))),))
    assert with_held(differences, seen(), NOBODY, NGINX) == differences
    assert with_held(differences, seen(), NOBODY, {"w": (PortHeld(80, "udp", "x"),)}) == differences


def test_a_port_that_a_service_on_its_way_out_holds_will_be_free() -> None:
    gone = ServiceSurplus("web", "web_old", LiveService("id", 1, body((80, "ingress")), 1, 1), room_for="web_app")
    differences = Diff((ServiceMissing("web", "web_app", body((80, "ingress"))), gone))
    assert new_ports(differences, seen(), NOBODY) == (frozenset(), frozenset())
    assert with_held(differences, seen(), NOBODY, NGINX) == differences


def test_nothing_is_removed_from_a_stack_that_is_blocked_nor_a_whole_stack() -> None:
    live = LiveService("id", 1, {"Name": "x"}, 1, 1)
    goes = [ServiceSurplus("web", "web_b", live), ServiceSurplus("old", "old_a", live, whole=True)]
    stays = ServiceSurplus("other", "other_a", live)
    found = with_held(
        Diff((ServiceMissing("web", "web_app", body((80, "ingress"))), *goes, stays)), seen(), NOBODY, NGINX
    )
    assert found.changes == (stays,)


def test_before_there_is_a_swarm_the_machines_that_are_to_be_in_it_are_asked() -> None:
    """The tutorial of 2016 ended in `tcpkill -9 port 80`: a bare server had had its own web server all along."""
    git = make_cluster(
        make_node("m", "manager"), make_node("w"), make_node("consul", "none"), make_node("off", "worker")
    )
    bare = make_observed(
        {"m": make_machine(), "w": make_machine(engine=make_engine("")), "consul": make_machine(), "off": DOWN}
    )
    mesh = Diff((ServiceMissing("web", "web_app", body((80, "ingress"))),))
    assert new_ports(mesh, bare, git).machines == {"m", "w"}
    own = Diff((ServiceMissing("web", "web_app", body((80, "host"), constraints=("node.role==manager",))),))
    assert new_ports(own, bare, git).machines == {"m"}
    (blocked,) = with_held(own, bare, git, NGINX).blocked
    assert blocked.reason == "port 80/tcp of m is held by nginx (process 12)"


def test_a_machine_that_joins_is_asked_beside_those_that_have() -> None:
    git = make_cluster(make_node("m", "manager"), make_node("w"), make_node("new"))
    seen_now = seen()
    joining = make_observed({**seen_now.machines, "new": make_machine()}, seen_now.swarm)
    mesh = Diff((ServiceMissing("web", "web_app", body((80, "ingress"))),))
    assert new_ports(mesh, joining, git).machines == {"m", "w", "new"}
