"""The registrator: on every machine, at its own Consul or the first server's, with no more rights than it needs."""

from dataclasses import replace
from typing import Any

import pytest

from deployer.diff.cause import Cause
from deployer.diff.change import Diff
from deployer.diff.machines import ContainerDiffers
from deployer.diff.registrator import ImageMissing, diff_registrators, registrator_body
from deployer.model.cluster import Cluster, Consul, ConsulSecrets
from deployer.model.observed import Container, Machine, Silent, Unreachable
from deployer.model.registrator import Registrator
from deployer.model.secret import Secret, SecretFile
from tests.literals.consul import start_registrator
from tests.literals.desired import COMMIT, make_cluster, make_node
from tests.literals.machines import DOWN, make_engine, make_machine
from tests.literals.swarm import make_observed

OURS = "deployer-registrator:0123456789ab"
SERVER, PLAIN = make_node("consul", "none", consul="server"), make_node("slave")
ADDRESSES = {"consul": "10.0.0.1", "slave": "10.0.0.3"}


def two(section: Registrator | None = None, *, image: str = OURS, slave: Any = PLAIN) -> Cluster:
    section = section or Registrator(resync=60)
    return make_cluster(SERVER, slave, consul=Consul(), registrator=section, registrator_image=section.image or image)


def start(name: str, wanted: Cluster | None = None) -> Container:
    wanted = wanted or two()
    agent = "127.0.0.1" if wanted.node(name).consul else ADDRESSES["consul"]
    return start_registrator(wanted, name, ADDRESSES[name], agent)


def there(name: str, *containers: Container) -> Machine:
    return make_machine(ADDRESSES[name], make_engine(containers=containers, images=(OURS,)))


def compare(wanted: Cluster | None = None, **machines: Machine | Unreachable) -> Diff:
    wanted = wanted or two()
    standing = {name: there(name, start(name)) for name in ADDRESSES}
    return diff_registrators(wanted, make_observed(standing | machines), COMMIT)


def found(difference: Diff) -> list[tuple[str, str, Cause]]:
    return [
        (change.node, "build" if isinstance(change, ImageMissing) else "run", change.cause)
        for change in difference.changes
        if isinstance(change, ImageMissing | ContainerDiffers)
    ]


def body(name: str = "slave", wanted: Cluster | None = None) -> Any:
    (change,) = (c for c in compare(wanted, **{name: there(name)}).changes if isinstance(c, ContainerDiffers))
    return change.body


def test_all_in_order_although_made_by_another_commit() -> None:
    assert compare() == Diff((), (), 2)


def test_a_cluster_without_one_has_none() -> None:
    assert compare(make_cluster(SERVER, PLAIN, consul=Consul())) == Diff(())


@pytest.mark.parametrize(
    "bare",
    [make_machine("10.0.0.3", make_engine()), make_machine("10.0.0.3")],
    ids=["engine", "engine yet to be installed"],
)
def test_missing_with_its_image(bare: Machine) -> None:
    assert found(compare(slave=bare)) == [("slave", "build", Cause.NOT_FOUND), ("slave", "run", Cause.NOT_FOUND)]


def test_the_image_is_built_once_per_content() -> None:
    assert found(compare(slave=there("slave"))) == [("slave", "run", Cause.NOT_FOUND)]


def test_another_content_is_another_image() -> None:
    new = two(image="deployer-registrator:ba9876543210")
    assert found(compare(new, consul=DOWN)) == [], "where to register is not known, so what runs stays"
    assert found(compare(new)) == [
        ("consul", "build", Cause.NOT_FOUND),
        ("consul", "run", Cause.IMAGE),
        ("slave", "build", Cause.NOT_FOUND),
        ("slave", "run", Cause.IMAGE),
    ]


def test_other_flags() -> None:
    assert found(compare(two(Registrator(resync=30)))) == [
        ("consul", "run", Cause.CHANGED),
        ("slave", "run", Cause.CHANGED),
    ]


def test_not_running() -> None:
    dead = replace(start("slave"), state="restarting")
    assert found(compare(slave=there("slave", dead))) == [("slave", "run", Cause.NOT_RUNNING)]


def test_an_engine_upgrade_is_no_reason() -> None:
    newer = make_machine("10.0.0.3", make_engine(containers=(start("slave"),), version="99.1", images=(OURS,)))
    assert compare(slave=newer) == Diff((), (), 2)


class TestWhereItRegisters:
    def test_a_machine_without_consul_at_the_first_server(self) -> None:
        assert body()["Cmd"] == ["-resync=60", "-ip=10.0.0.3", "consul://10.0.0.1:8500"]

    def test_a_server_at_itself(self) -> None:
        assert body("consul")["Cmd"][-1] == "consul://127.0.0.1:8500"

    def test_a_machine_with_an_agent_at_its_agent(self) -> None:
        assert body(wanted=two(slave=make_node("slave", consul="agent")))["Cmd"][-1] == "consul://127.0.0.1:8500"

    def test_ipv6(self) -> None:
        told = registrator_body(two(), PLAIN, "fd00::3", "fd00::1", COMMIT)["Cmd"]
        assert told[1:] == ["-ip=fd00::3", "consul://[fd00::1]:8500"]

    def test_one_that_gets_an_agent_leaves_the_server(self) -> None:
        with_agent = two(slave=make_node("slave", consul="agent"))
        (change,) = (c for c in compare(with_agent).changes if isinstance(c, ContainerDiffers))
        assert (change.node, change.cause, change.leaves) == ("slave", Cause.CHANGED, "10.0.0.1")

    def test_one_that_changes_otherwise_leaves_nothing(self) -> None:
        changes = [c for c in compare(two(Registrator(resync=30))).changes if isinstance(c, ContainerDiffers)]
        assert [change.leaves for change in changes] == ["", ""]

    def test_the_server_moved(self) -> None:
        moved = make_machine("10.0.0.9", make_engine(images=(OURS,)))
        assert ("slave", "run", Cause.CHANGED) in found(compare(consul=moved))

    @pytest.mark.parametrize("server", [DOWN, make_machine(engine=Silent("x"))], ids=["unreachable", "silent"])
    def test_the_server_cannot_be_asked(self, server: Machine | Unreachable) -> None:
        """What runs is left alone, and nothing is begun that would not know where to go."""
        assert compare(consul=server).changes == ()
        assert compare(consul=server, slave=there("slave")).changes == ()


class TestToken:
    SECRET = replace(two(), secrets=ConsulSecrets(Secret("canary"), None, "digest1"))

    def test_it_goes_by_a_file(self) -> None:
        (change,) = (c for c in compare(self.SECRET, slave=there("slave")).changes if getattr(c, "node", "") == "slave")
        assert isinstance(change, ContainerDiffers)
        assert change.files == (SecretFile("/registrator.token", Secret("canary")),)
        assert change.body["Env"] == ["CONSUL_HTTP_TOKEN_FILE=/registrator.token"]
        assert "canary" not in repr(change)

    def test_another_token_is_another_container(self) -> None:
        other = replace(self.SECRET, secrets=replace(self.SECRET.secrets, digest="digest2"))
        standing = {name: there(name, start(name, self.SECRET)) for name in ADDRESSES}
        assert compare(self.SECRET, **standing).changes == ()
        assert {cause for *_, cause in found(compare(other, **standing))} == {Cause.CHANGED}


class TestRights:
    def test_ours_has_none_but_the_sockets_group(self) -> None:
        told = body()
        assert told["User"] == "${SOCKET_USER}"
        assert told["HostConfig"]["CapDrop"] == ["ALL"]
        assert told["HostConfig"]["Binds"] == ["/var/run/docker.sock:/tmp/docker.sock:ro"]
        assert told["HostConfig"]["RestartPolicy"] == {"Name": "always"}
        assert told["Hostname"] == "slave"

    def test_a_foreign_image_runs_as_its_makers_meant_and_is_not_built(self) -> None:
        theirs = two(Registrator(image="fayrus/registrator:v9.2.0", cleanup=True))
        assert found(compare(theirs, slave=make_machine("10.0.0.3", make_engine()))) == [
            ("consul", "run", Cause.IMAGE),
            ("slave", "run", Cause.NOT_FOUND),
        ]
        told = registrator_body(theirs, PLAIN, "10.0.0.3", "10.0.0.1", COMMIT)
        assert told["Image"] == "fayrus/registrator:v9.2.0"
        assert told["Cmd"][0] == "-cleanup"
        assert "User" not in told


@pytest.mark.parametrize(
    ("section", "flags"),
    [
        (Registrator(), ()),
        (Registrator(internal=True, explicit=True, cleanup=True), ("-internal", "-explicit", "-cleanup")),
        (Registrator(ttl=30, ttl_refresh=10, resync=5), ("-resync=5", "-ttl=30", "-ttl-refresh=10")),
        (Registrator(deregister="on-success", health="ignore"), ("-deregister=on-success", "-health=ignore")),
        (
            Registrator(tags="a,b", network="front", use_ip_from_label="ip"),
            ("-tags=a,b", "-network=front", "-useIpFromLabel=ip"),
        ),
        (Registrator(swarm=False), ("-swarm=false",)),
    ],
)
def test_flags(section: Registrator, flags: tuple[str, ...]) -> None:
    assert section.flags == flags
