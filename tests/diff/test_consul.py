"""Several servers, and client agents: who finds whom, and what is left alone while a machine cannot be asked."""

import json
from dataclasses import replace

import pytest

from deployer.diff.cause import Cause
from deployer.diff.change import Diff
from deployer.diff.consul import diff_catalogue
from deployer.diff.machines import ContainerDiffers
from deployer.model.cluster import Cluster, Consul, ConsulSecrets
from deployer.model.observed import Container, Machine, Unreachable
from deployer.model.secret import Secret
from tests.literals.consul import start_consul
from tests.literals.desired import COMMIT, make_cluster, make_node
from tests.literals.machines import DOWN, make_engine, make_machine
from tests.literals.swarm import make_observed

A, B, C = (make_node(name, consul="server") for name in "abc")
AGENT = make_node("d", consul="agent")
ADDRESSES = {"a": "10.0.0.1", "b": "10.0.0.2", "c": "10.0.0.3", "d": "10.0.0.4"}
FOUR = make_cluster(A, B, C, AGENT, consul=Consul())


def start(name: str, wanted: Cluster = FOUR, *joins: str) -> Container:
    others = joins or [ADDRESSES[other] for other in "abc" if other != name]
    return start_consul(wanted, name, ADDRESSES[name], others)


def there(name: str, *containers: Container) -> Machine:
    return make_machine(ADDRESSES[name], make_engine(containers=containers))


def compare(wanted: Cluster = FOUR, **machines: Machine | Unreachable) -> Diff:
    standing = {name: there(name, start(name)) for name in ADDRESSES}
    return diff_catalogue(wanted, make_observed(standing | machines, None, ()), COMMIT)


def containers(found: Diff) -> list[tuple[str, str, Cause]]:
    return [(c.node, c.role, c.cause) for c in found.changes if isinstance(c, ContainerDiffers)]


def command(name: str, found: Diff) -> list[str]:
    (change,) = (c for c in found.changes if isinstance(c, ContainerDiffers) and c.node == name)
    return list(change.body["Cmd"])


def test_all_in_order_and_nobody_with_an_agent_is_registered_by_us() -> None:
    assert compare() == Diff((), (), 4)


def test_servers_wait_for_each_other_and_join_the_others() -> None:
    bare = compare(FOUR, **{name: make_machine(ADDRESSES[name]) for name in ADDRESSES})
    told = command("b", bare)
    assert "-server" in told
    assert "-bootstrap-expect=3" in told
    assert [word for word in told if "join" in word] == ["-retry-join=10.0.0.1", "-retry-join=10.0.0.3"]
    assert "-client=127.0.0.1 10.0.0.2" in told


def test_an_agent_joins_all_servers_and_listens_on_the_loopback_only() -> None:
    told = command("d", compare(d=there("d")))
    assert [word for word in told if "join" in word] == [f"-retry-join=10.0.0.{number}" for number in (1, 2, 3)]
    assert [word for word in told if word.startswith("-client")] == ["-client=127.0.0.1"]
    assert not {"-server", "-ui"} & set(told)
    assert "-node-meta=docker-version:${ENGINE_VERSION}" in told


def test_a_server_that_cannot_be_reached_restarts_nobody() -> None:
    assert compare(a=DOWN) == Diff((), (), 3)


def test_a_server_that_moved_is_made_anew_alone() -> None:
    assert containers(compare(a=make_machine("10.0.0.99", make_engine(containers=(start("a"),))))) == [
        ("a", "server", Cause.CHANGED)
    ]


def test_who_knows_none_of_the_servers_any_more_is_made_anew() -> None:
    assert containers(compare(d=there("d", start("d", FOUR, "10.9.9.9")))) == [("d", "agent", Cause.CHANGED)]


def test_another_image_is_the_cause() -> None:
    new = make_cluster(A, B, C, AGENT, consul=Consul(image="hashicorp/consul:1.21"))
    assert {cause for *_, cause in containers(compare(new))} == {Cause.IMAGE}


def test_a_server_more_changes_everybody() -> None:
    two_more = make_cluster(A, B, C, make_node("d", consul="server"), make_node("e", consul="server"), consul=Consul())
    found = compare(two_more, e=make_machine("10.0.0.5", make_engine()))
    assert [(name, cause) for name, _, cause in containers(found)] == [
        *((name, Cause.CHANGED) for name in "abcd"),
        ("e", Cause.NOT_FOUND),
    ]


class TestWhatCannotBeRead:
    def test_three_servers_begin_together_or_not_at_all(self) -> None:
        bare = {name: make_machine(ADDRESSES[name], make_engine()) for name in "acd"}
        found = compare(FOUR, b=DOWN, **bare)
        assert found.changes == ()
        (blocked,) = found.blocked
        assert blocked.reason == "it begins with all of its 3 servers, and its machine b is unreachable"
        assert blocked.unreachable

    def test_two_of_three_go_on(self) -> None:
        assert compare(b=DOWN, d=there("d")).blocked == ()
        assert containers(compare(b=DOWN, d=there("d"))) == [("d", "agent", Cause.NOT_FOUND)]

    def test_without_any_server_an_agent_that_runs_is_left_alone(self) -> None:
        found = compare(a=DOWN, b=DOWN, c=DOWN)
        assert found.changes == ()
        assert [blocked.unreachable for blocked in found.blocked] == [True]


@pytest.mark.parametrize("state", ["exited", "restarting"])
def test_an_agent_that_does_not_run(state: str) -> None:
    stopped = replace(start("d"), state=state)
    assert containers(compare(d=there("d", stopped))) == [("d", "agent", Cause.NOT_RUNNING)]


class TestSecrets:
    TOKEN, KEY = "0f3c1d5e-8a8e-4a60-9d2f-5a2f6f3c9b11", "a2V5a2V5a2V5a2V5a2V5a2V5a2V5a2U="
    SECRET = replace(FOUR, secrets=ConsulSecrets(Secret(TOKEN), Secret(KEY), "digest1"))

    def change(self, name: str) -> ContainerDiffers:
        (found,) = (c for c in compare(self.SECRET).changes if isinstance(c, ContainerDiffers) and c.node == name)
        return found

    def test_everybody_gets_them_in_a_file(self) -> None:
        (file,) = self.change("a").files
        assert file.path == "/consul/config/deployer.json"
        assert json.loads(file.content.reveal()) == {
            "encrypt": self.KEY,
            "acl": {
                "enabled": True,
                "default_policy": "deny",
                "tokens": {"master": self.TOKEN, "agent": self.TOKEN},
            },
        }

    def test_an_agent_makes_no_token_valid(self) -> None:
        (file,) = self.change("d").files
        assert json.loads(file.content.reveal())["acl"]["tokens"] == {"agent": self.TOKEN}

    def test_they_are_nowhere_else(self) -> None:
        told = repr(compare(self.SECRET))
        assert self.TOKEN not in told
        assert self.KEY not in told

    def test_others_make_the_containers_anew(self) -> None:
        others = replace(self.SECRET, secrets=replace(self.SECRET.secrets, digest="digest2"))
        standing = {name: there(name, start(name, self.SECRET)) for name in ADDRESSES}
        assert compare(self.SECRET, **standing).changes == ()
        assert {cause for *_, cause in containers(compare(others, **standing))} == {Cause.CHANGED}

    def test_without_any_there_is_no_file(self) -> None:
        assert {c.files for c in compare(d=there("d")).changes if isinstance(c, ContainerDiffers)} == {()}
