"""Consul: its server's container, and who is registered. What cannot be read is not empty."""

from dataclasses import replace

import pytest

from deployer.diff.cause import Cause
from deployer.diff.change import Diff
from deployer.diff.consul import NotRegistered, consul_body, diff_catalogue, meta
from deployer.diff.machines import ContainerDiffers
from deployer.model.cluster import Cluster, Consul
from deployer.model.observed import CatalogueNode, Container, Engine, Machine, Silent, Unreachable
from tests.decisions import list_reasons
from tests.literals.consul import make_entry, start_consul
from tests.literals.desired import COMMIT, EARLIER, make_cluster, make_node
from tests.literals.machines import DOWN, make_engine, make_machine
from tests.literals.swarm import make_observed

SERVER = make_node("consul", "none", consul="server")
SLAVE = make_node("slave")
BOTH = make_cluster(SERVER, SLAVE, consul=Consul())
ENTRY = make_entry("slave", "10.0.0.3")
KNOWN = replace(ENTRY, meta={**ENTRY.meta, "deployer-commit": EARLIER, "somebody-elses": "x"})
CONTAINER = replace(start_consul(BOTH, "consul", "10.0.0.1"), image="")
"""Consul as an older run started it; of which image, its engine does not say."""


def machine_of(container: Container) -> Machine:
    """The server's machine, with that container."""
    return make_machine("10.0.0.1", make_engine(containers=(container,)))


def compare(
    catalogue: tuple[CatalogueNode, ...] | Unreachable | None = (KNOWN,),
    *,
    wanted: Cluster = BOTH,
    server: Machine | Unreachable | None = None,
    slave: Machine | Unreachable | None = None,
) -> Diff:
    machines = {
        "consul": server or machine_of(CONTAINER),
        "slave": slave or make_machine("10.0.0.3", make_engine("n-slave")),
    }
    return diff_catalogue(wanted, make_observed(machines, None, catalogue), COMMIT)


def container(found: Diff) -> list[Cause]:
    return [change.cause for change in found.changes if isinstance(change, ContainerDiffers)]


def registered(found: Diff) -> list[tuple[str, Cause, list[str]]]:
    return [
        (change.node, change.cause, [field.path for field in change.fields])
        for change in found.changes
        if isinstance(change, NotRegistered)
    ]


def test_all_in_order_although_made_by_another_commit() -> None:
    assert compare() == Diff((), (), 2)


def test_a_cluster_without_consul_has_none() -> None:
    assert compare(wanted=make_cluster(SERVER, SLAVE)) == Diff(())


def test_no_machine_is_the_server() -> None:
    found = diff_catalogue(
        make_cluster(SLAVE, consul=Consul()), make_observed({"slave": make_machine(engine=make_engine())}), COMMIT
    )
    assert found.changes == ()
    assert list_reasons(found) == [("consul", "no machine is its server")]


class TestServer:
    @pytest.mark.parametrize("there", [make_engine(), None], ids=["engine", "engine yet to be installed"])
    def test_missing(self, there: Engine | None) -> None:
        assert container(compare(None, server=make_machine("10.0.0.1", there))) == [Cause.NOT_FOUND]

    @pytest.mark.parametrize("state", ["exited", "created", "restarting", "dead", "paused"])
    def test_stopped(self, state: str) -> None:
        stopped = replace(CONTAINER, state=state)
        assert container(compare(server=machine_of(stopped))) == [Cause.NOT_RUNNING]

    def test_engine_upgraded(self) -> None:
        old = start_consul(BOTH, "consul", "10.0.0.1", version="20.10.24")
        assert container(compare(server=machine_of(old))) == [Cause.CHANGED]

    @pytest.mark.parametrize(
        "wanted",
        [
            make_cluster(SERVER, SLAVE, consul=Consul(image="hashicorp/consul:1.21")),
            make_cluster(SERVER, SLAVE, consul=Consul(datacenter="par1")),
            make_cluster(make_node("consul", consul="server"), SLAVE, consul=Consul()),
        ],
        ids=["image", "datacenter", "role"],
    )
    def test_definition_changed(self, wanted: Cluster) -> None:
        assert container(compare(wanted=wanted)) == [Cause.CHANGED]

    def test_address_changed(self) -> None:
        moved = make_machine("10.0.0.99", make_engine(containers=(CONTAINER,)))
        assert container(compare(server=moved)) == [Cause.CHANGED]

    def test_a_container_of_another_role_is_not_it(self) -> None:
        other = replace(CONTAINER, labels={"deployer.role": "registrator"})
        assert container(compare(server=machine_of(other))) == [Cause.NOT_FOUND]

    def test_it_never_listens_on_the_public_address(self) -> None:
        body = consul_body(BOTH, replace(SERVER, address="203.0.113.9"), "10.0.0.1", COMMIT)
        assert "203.0.113.9" not in str(body)
        assert "-client=127.0.0.1 10.0.0.1" in body["Cmd"]

    def test_it_tells_the_commit_that_made_it(self) -> None:
        body = consul_body(BOTH, SERVER, "10.0.0.1", COMMIT)
        assert f"-node-meta=deployer-commit:{COMMIT}" in body["Cmd"]
        assert body["Labels"]["deployer.commit"] == COMMIT


class TestRegistration:
    def test_missing(self) -> None:
        assert registered(compare(())) == [("slave", Cause.NOT_FOUND, [])]

    @pytest.mark.parametrize(
        ("entry", "path"),
        [
            (replace(KNOWN, address="203.0.113.3"), "address"),
            (replace(KNOWN, meta={**KNOWN.meta, "deployer-swarm": "manager"}), "meta.deployer-swarm"),
            (replace(KNOWN, meta={**KNOWN.meta, "docker-version": "20.10.24"}), "meta.docker-version"),
            (
                replace(KNOWN, meta={k: v for k, v in KNOWN.meta.items() if k != "deployer-cluster"}),
                "meta.deployer-cluster",
            ),
        ],
    )
    def test_differs(self, entry: CatalogueNode, path: str) -> None:
        assert registered(compare((entry,))) == [("slave", Cause.CHANGED, [path])]

    def test_what_is_written_has_the_commit_and_the_engine(self) -> None:
        seen = make_machine("10.0.0.3", make_engine("n-slave", version="28.5.2"))
        assert meta(BOTH, SLAVE, seen, COMMIT) == {
            "deployer-cluster": "sandbox",
            "deployer-swarm": "worker",
            "docker-version": "28.5.2",
            "deployer-commit": COMMIT,
        }

    def test_an_engine_that_is_yet_to_come_has_a_placeholder(self) -> None:
        (change,) = compare((), slave=make_machine("10.0.0.3")).changes
        assert isinstance(change, NotRegistered)
        assert change.meta["docker-version"] == "${ENGINE_VERSION}"

    def test_others_in_the_catalogue_are_left_alone(self) -> None:
        assert compare((KNOWN, replace(KNOWN, name="somebody-else"))) == Diff((), (), 2)


class TestWhatCannotBeRead:
    @pytest.mark.parametrize("slave", [DOWN, make_machine(engine=Silent("x"))], ids=["unreachable", "silent"])
    @pytest.mark.parametrize("catalogue", [(), (KNOWN,)], ids=["not known", "known"])
    def test_a_machine(self, slave: Machine | Unreachable, catalogue: tuple[CatalogueNode, ...]) -> None:
        assert compare(catalogue, slave=slave).changes == ()

    def test_the_servers_machine_nobody_is_registered_anew(self) -> None:
        found = compare(DOWN, server=DOWN)
        assert found.changes == ()
        assert list_reasons(found) == [("consul", "its machine consul is unreachable")]
        assert found.blocked[0].unreachable

    @pytest.mark.parametrize(
        "server",
        [make_machine(engine=Silent("x")), make_machine(privileged=False)],
        ids=["silent engine", "no engine, and no sudo to install one with"],
    )
    def test_the_servers_engine_nothing_is_tried(self, server: Machine) -> None:
        found = compare(None, server=server)
        assert found.changes == ()
        assert list_reasons(found) == [("consul", "its machine consul has no engine that answers")]

    def test_the_server_has_no_address(self) -> None:
        lost = make_machine(interfaces=(("ens3", "10.0.0.1"),), engine=make_engine())
        found = compare(None, server=lost)
        assert found.changes == ()
        assert ("consul", "its machine consul has no known address") in list_reasons(found)

    def test_a_server_that_runs_without_an_answer_is_waited_for_and_told_everything(self) -> None:
        """A run may have been killed between the container's start and the election of a leader."""
        found = compare(Unreachable("No cluster leader"))
        assert found.blocked == ()
        assert container(found) == []
        assert registered(found) == [("slave", Cause.UNKNOWN, [])]

    def test_a_machine_outside_the_swarm_without_an_address(self) -> None:
        wanted = make_cluster(SERVER, make_node("slave", "none"), consul=Consul())
        found = compare(wanted=wanted, slave=make_machine(interfaces=(), engine=make_engine()))
        assert list_reasons(found) == [("slave", "it has no interface eth0, so Consul cannot name it")]

    def test_a_machine_of_the_swarm_without_an_address_is_told_once(self) -> None:
        assert list_reasons(compare(slave=make_machine(interfaces=(), engine=make_engine()))) == []
