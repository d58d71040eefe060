"""Engine, daemon.json, swarm membership, the machine's own containers, Consul: what is asked, in which order."""

from __future__ import annotations

import asyncio
import base64
import logging
from typing import TYPE_CHECKING, Any

import pytest

from deployer.execute import swarm
from deployer.model import labels
from deployer.model.command import Completed
from deployer.plan.consul import AwaitConsul, RegisterNode
from deployer.plan.machines import InstallEngine, RunContainer, WriteDaemonJson
from deployer.plan.outcome import Failed
from deployer.plan.swarm import InitSwarm, JoinSwarm, UpdateMember
from deployer.remote import ConnectionFailedError
from tests.execute.plans import detail, plan, play, reason
from tests.fakes import FakeConnection, Turns

if TYPE_CHECKING:
    from deployer.model.command import Command
    from deployer.plan.operations import Operation
    from deployer.plan.outcome import Event, Outcome, Report

TOKEN = "SWMTKN-1-canary"
SWARM = {"JoinTokens": {"Worker": f"{TOKEN}-w", "Manager": f"{TOKEN}-m"}}
INFO = {"Swarm": {"NodeID": "n1", "NodeAddr": "10.0.0.1", "LocalNodeState": "active"}}
ALREADY = (503, {"message": 'This node is already part of a swarm. Use "docker swarm leave" to leave this swarm'})
GOES_ON = (503, {"message": "Timeout was reached before node joined. The attempt to join the swarm will continue in the "
           'background. Use the "docker info" command to see the current swarm status of your node.'})  # fmt: skip
NO_LEADER = (503, {"message": "rpc error: code = Unknown desc = The swarm does not have a leader."})
CLUSTER = {labels.CLUSTER: "test"}


@pytest.fixture(autouse=True)
def unmarked(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(swarm, "mark_member", _marked)  # tests/execute/test_marking.py


async def _marked(*_: object) -> None:
    pass


def one(operation: Operation, **connections: FakeConnection) -> Outcome:
    return play(plan(operation), connections).outcomes[1]


# --- engines ---------------------------------------------------------------------------------------------------


def debian(release: str, *ends: Any) -> FakeConnection:
    answers = Turns(Completed(0, release, ""), *ends)
    return FakeConnection(outputs={"sh": answers})


@pytest.mark.parametrize("release", ["debian \n", "ubuntu debian\n", "raspbian debian\n", "linuxmint ubuntu debian\n"])
def test_an_engine_is_installed_where_apt_is(release: str) -> None:
    connection = debian(release, Completed(0, "Reading package lists...\nDocker 26.1.5 runs\n", ""))
    assert detail(one(InstallEngine("m1", "docker"), m1=connection)) == "Docker 26.1.5 runs"
    script = connection.commands[1]
    assert (script.argv, script.root) == (("sh", "-s", "docker"), True)
    assert script.timeout == 1200
    assert b"# Installs a Docker engine" in script.stdin


@pytest.mark.parametrize(("release", "named"), [("alpine \n", "alpine"), ("", "unknown"), ("fedora \n", "fedora")])
def test_elsewhere_nothing_is_tried(release: str, named: str) -> None:
    connection = debian(release)
    told = reason(one(InstallEngine("m1", "distro"), m1=connection))
    assert f"this is {named}" in told
    assert "engine.install" in told
    assert len(connection.commands) == 1


def test_what_the_installation_said_last_is_why_it_failed() -> None:
    errors = "E: Failed to fetch x\n\nE: Unable to fetch some archives.\n"
    outcome = one(InstallEngine("m1", "distro"), m1=debian("debian\n", Completed(100, "lists\n", errors)))
    assert reason(outcome) == "the installation failed with status 100: E: Unable to fetch some archives."
    assert isinstance(outcome, Failed)
    assert outcome.log == ("E: Failed to fetch x", "E: Unable to fetch some archives.")


@pytest.mark.parametrize(
    ("effect", "said"), [("none", ""), ("reload", "reloaded, nothing restarted"), ("restart", "engine restarted")]
)
def test_daemon_json_goes_by_standard_input(effect: Any, said: str) -> None:
    """It may hold a proxy's password, and arguments are for everybody to see."""
    text = '{"proxies": {"http-proxy": "http://u:canary@proxy"}}'
    connection = FakeConnection(outputs={"sh": Completed(0, "", "")})
    assert detail(one(WriteDaemonJson("m1", text, effect), m1=connection)) == said
    (command,) = connection.commands
    assert (command.argv, command.root) == (("sh", "-s", effect), True)
    first, _, rest = command.stdin.partition(b"\n")
    assert base64.b64decode(first.removeprefix(b"encoded=")).decode() == text
    assert rest.startswith(b"# Writes daemon.json")


def test_daemon_json_that_is_refused() -> None:
    connection = FakeConnection(outputs={"sh": Completed(1, "", "unknown key: nonsense\n")})
    told = reason(one(WriteDaemonJson("m1", "{}", "restart"), m1=connection))
    assert told == "writing daemon.json failed with status 1: unknown key: nonsense"


# --- the swarm -------------------------------------------------------------------------------------------------


def test_a_swarm_is_started_at_the_advertised_address() -> None:
    connection = FakeConnection({"POST /swarm/init": (200, b'"n1"')})
    assert detail(one(InitSwarm("m1", "10.0.0.1"), m1=connection)) == ""
    assert connection.requests[-1].body == {"ListenAddr": "0.0.0.0:2377", "AdvertiseAddr": "10.0.0.1"}


def test_a_swarm_that_was_started_already() -> None:
    assert detail(one(InitSwarm("m1", "10.0.0.1"), m1=FakeConnection({"POST /swarm/init": ALREADY}))) == "already so"


def test_a_swarm_that_cannot_be_started() -> None:
    message = "must specify a listening address because the address to advertise is not recognized as a system address"
    connection = FakeConnection({"POST /swarm/init": (400, {"message": message})})
    assert reason(one(InitSwarm("m1", "192.0.2.1"), m1=connection)) == message


def manager(**more: Any) -> FakeConnection:
    return FakeConnection({"GET /swarm": SWARM, "GET /info": INFO} | more)


def join(
    *answers: Any, role: Any = "worker", via: FakeConnection | None = None, info: Any = None
) -> tuple[Report, FakeConnection, list[Event]]:
    joining = FakeConnection({"POST /swarm/join": Turns(*answers), "GET /info": info or INFO})
    events: list[Event] = []
    wanted = plan(JoinSwarm("m2", role, "10.0.0.2", "m1"))
    return play(wanted, {"m1": via or manager(), "m2": joining}, events.append), joining, events


@pytest.mark.parametrize(("role", "token"), [("worker", f"{TOKEN}-w"), ("manager", f"{TOKEN}-m")])
def test_a_machine_joins_with_the_token_of_its_role(role: str, token: str) -> None:
    report, joining, _ = join((200, b""), role=role)
    assert detail(report.outcomes[1]) == ""
    assert joining.lines == ["POST /swarm/join"]
    assert joining.requests[-1].body == {
        "ListenAddr": "0.0.0.0:2377", "AdvertiseAddr": "10.0.0.2", "RemoteAddrs": ["10.0.0.1:2377"], "JoinToken": token,
    }  # fmt: skip


def test_a_manager_at_an_address_of_the_newer_protocol() -> None:
    via = manager()
    via.answers["GET /info"] = {"Swarm": {"NodeAddr": "fd00::1"}}
    assert join((200, b""), via=via)[1].requests[-1].body["RemoteAddrs"] == ["[fd00::1]:2377"]


@pytest.mark.parametrize(
    "answers",
    [
        ((200, b""),),
        ((400, {"message": "invalid join token"}),),
        (NO_LEADER, (200, b"")),
        (ConnectionFailedError("broke off"), ALREADY),
        (KeyError("bug"),),
    ],
)
def test_the_token_is_seen_by_the_engines_alone(answers: tuple[Any, ...], caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    try:
        report, _, events = join(*answers)
        seen = repr((report, events))
    except Exception as error:  # noqa: BLE001 - a bug is one of the cases
        seen = repr((error, error.args, error.__cause__, vars(error)))
    assert TOKEN not in seen + caplog.text


def test_a_swarm_that_is_busy_is_asked_again_and_that_is_told() -> None:
    """Two managers join at once, or the swarm elects a leader."""
    report, joining, events = join(
        NO_LEADER, (500, {"message": "context deadline exceeded"}), (200, b""), role="manager"
    )
    assert detail(report.outcomes[1]) == ""
    assert joining.lines == ["POST /swarm/join"] * 3
    assert "trying again: rpc error: code = Unknown desc = The swarm does not have a leader." in repr(events)


def test_a_manager_that_is_busy_when_asked_for_the_token() -> None:
    via = manager(**{"GET /swarm": Turns(NO_LEADER, SWARM)})
    assert detail(join((200, b""), via=via)[0].outcomes[1]) == ""


def test_a_wrong_token_is_final() -> None:
    report, joining, _ = join((400, {"message": "invalid join token"}))
    assert reason(report.outcomes[1]) == "invalid join token"
    assert len(joining.lines) == 1


def test_joining_has_an_end() -> None:
    report, _, _ = join(*[NO_LEADER] * 1000)
    assert "does not have a leader" in reason(report.outcomes[1])


def state(word: str, error: str = "") -> dict[str, Any]:
    return {"Swarm": {"LocalNodeState": word, "Error": error}}


def test_joining_that_goes_on_in_the_background_is_waited_for() -> None:
    report, joining, _ = join(GOES_ON, info=Turns(state("pending"), state("pending"), state("active")))
    assert detail(report.outcomes[1]) == ""
    assert joining.lines == ["POST /swarm/join", "GET /info", "GET /info", "GET /info"]


def test_a_member_already_is_one_only_when_it_is_active() -> None:
    """The run before was killed while it joined."""
    report, _, _ = join(ALREADY, info=Turns(state("pending"), state("active")))
    assert detail(report.outcomes[1]) == "already so"


def test_joining_in_the_background_may_fail() -> None:
    report, _, _ = join(
        GOES_ON, info=Turns(state("pending"), state("error", "certificate signed by unknown authority"))
    )
    assert reason(report.outcomes[1]) == "it did not join: certificate signed by unknown authority"


def test_joining_in_the_background_has_an_end() -> None:
    report, _, _ = join(GOES_ON, info=state("pending"))
    assert "2377" in reason(report.outcomes[1])


def test_managers_join_one_after_the_other_and_workers_at_once() -> None:
    at_once: dict[str, list[int]] = {"manager": [], "worker": []}
    busy = {"manager": 0, "worker": 0}

    def joining(role: str) -> FakeConnection:
        async def joined(_: object) -> tuple[int, bytes]:
            busy[role] += 1
            at_once[role].append(busy[role])
            for _ in range(20):
                await asyncio.sleep(0)
            busy[role] -= 1
            return 200, b""

        return FakeConnection({"POST /swarm/join": joined})

    roles: list[Any] = ["manager"] * 3 + ["worker"] * 3
    machines_ = {f"j{number}": joining(role) for number, role in enumerate(roles)}
    wanted = plan(*(JoinSwarm(f"j{number}", role, f"10.0.1.{number}", "m1") for number, role in enumerate(roles)))
    assert play(wanted, machines_ | {"m1": manager()}).ok
    assert max(at_once["manager"]) == 1
    assert max(at_once["worker"]) == 3


MEMBER = {"ID": "n2", "Version": {"Index": 7}, "Spec": {"Name": "kept", "Role": "worker", "Availability": "active",
          "Labels": {"old": "x"}}}  # fmt: skip
UPDATE = UpdateMember("m2", "m1", "manager", "drain", {"zone": "par1"})


def member(answers: dict[str, Any]) -> tuple[Outcome, FakeConnection]:
    via = FakeConnection({"GET /nodes/n2": MEMBER} | answers)
    itself = FakeConnection({"GET /info": {"Swarm": {"NodeID": "n2"}}})
    return play(plan(UPDATE), {"m1": via, "m2": itself}).outcomes[1], via


def test_a_member_is_written_whole_over_the_version_that_was_read() -> None:
    outcome, via = member({"POST /nodes/n2/update": {}})
    assert detail(outcome) == ""
    request = via.requests[-1]
    assert request.query == {"version": "7"}
    assert request.body == {"Name": "kept", "Role": "manager", "Availability": "drain", "Labels": {"zone": "par1"}}


def test_a_member_that_changes_meanwhile_is_read_again() -> None:
    moved = (500, {"message": "rpc error: code = Unknown desc = update out of sequence"})
    read = Turns(MEMBER, MEMBER | {"Version": {"Index": 8}})
    outcome, via = member({"POST /nodes/n2/update": Turns(moved, {}), "GET /nodes/n2": read})
    assert detail(outcome) == ""
    assert via.requests[-1].query == {"version": "8"}
    outcome, via = member({"POST /nodes/n2/update": moved})
    assert "out of sequence" in reason(outcome)
    assert via.lines.count("POST /nodes/n2/update") == 5


def test_a_demotion_that_is_refused() -> None:
    message = "rpc error: code = FailedPrecondition desc = attempting to demote the last manager of the swarm"
    assert reason(member({"POST /nodes/n2/update": (400, {"message": message})})[0]) == message


# --- containers of the machine itself --------------------------------------------------------------------------

RUN = RunContainer("m1", "deployer-consul", "hashicorp/consul:1.20",
                   {"Image": "hashicorp/consul:1.20", "Labels": CLUSTER | {labels.ENGINE: labels.ENGINE_VERSION}})  # fmt: skip
IMAGE = "GET /images/hashicorp%2Fconsul%3A1.20/json"
THERE = "GET /containers/deployer-consul/json"
GONE = (404, {"message": "No such container"})
CREATED = {"POST /containers/create": (201, {"Id": "abc"}), "POST /containers/abc/start": (204, b"")}


def test_a_container_is_made_and_started() -> None:
    connection = FakeConnection({IMAGE: {}, THERE: GONE, **CREATED})
    assert detail(one(RUN, m1=connection)) == ""
    assert connection.lines == [IMAGE, THERE, "POST /containers/create", "POST /containers/abc/start"]
    made = connection.requests[-2]
    assert made.query == {"name": "deployer-consul"}
    assert made.body["Labels"] == CLUSTER | {labels.ENGINE: "26.1.5"}


def test_its_image_is_pulled_where_it_is_missing() -> None:
    connection = FakeConnection(
        {
            IMAGE: (404, {"message": "No such image"}),
            "POST /images/create": (200, b'{"status":"x"}\n'),
            THERE: GONE,
            **CREATED,
        }
    )
    assert detail(one(RUN, m1=connection)) == ""
    assert connection.lines[:2] == [IMAGE, "POST /images/create"]


def test_an_image_that_cannot_be_pulled_leaves_the_old_container_alone() -> None:
    connection = FakeConnection(
        {IMAGE: (404, {"message": "No such image"}), "POST /images/create": (404, {"message": "manifest unknown"})}
    )
    assert reason(one(RUN, m1=connection)) == "manifest unknown"
    assert connection.lines == [IMAGE, "POST /images/create"]


def test_our_own_one_of_that_name_is_stopped_and_replaced() -> None:
    stop, remove = "POST /containers/deployer-consul/stop", "DELETE /containers/deployer-consul"
    present = {"Config": {"Labels": CLUSTER}}
    connection = FakeConnection({IMAGE: {}, THERE: present, stop: (204, b""), remove: (204, b""), **CREATED})
    assert detail(one(RUN, m1=connection)) == "replaced"
    assert connection.lines[1:4] == [THERE, stop, remove]
    queries = {request.line: request.query for request in connection.requests}
    assert queries[stop] == {"t": "15"}
    assert queries[remove] == {"force": "true"}


@pytest.mark.parametrize("kept", [None, {}, {labels.CLUSTER: "other"}])
def test_somebody_elses_container_of_that_name_is_left_alone(kept: dict[str, str] | None) -> None:
    connection = FakeConnection({IMAGE: {}, THERE: {"Config": {"Labels": kept}}})
    assert "not this cluster's" in reason(one(RUN, m1=connection))
    assert connection.lines == [IMAGE, THERE]


def test_an_engine_with_a_strange_version() -> None:
    version = {"Version": '26.1"}, "Privileged": true, "x": {"y": "', "ApiVersion": "1.45"}
    connection = FakeConnection({IMAGE: {}, THERE: GONE, "GET /version": version, **CREATED})
    assert detail(one(RUN, m1=connection)) == ""
    made = connection.requests[-2].body
    assert made == {"Image": "hashicorp/consul:1.20", "Labels": CLUSTER | {labels.ENGINE: version["Version"]}}


# --- Consul ----------------------------------------------------------------------------------------------------

LEADER = "GET /v1/status/leader"
MEMBERS = "GET /v1/agent/members"
REGISTER = "PUT /v1/catalog/register"


def test_consul_is_waited_for_until_it_has_a_leader() -> None:
    answers = Turns(
        ConnectionFailedError("refused"), (500, b"No cluster leader"), (200, b'""'), (200, b'"10.0.0.9:8300"')
    )
    outcome = one(AwaitConsul("m1", 5.0), m1=FakeConnection({LEADER: answers}))
    assert detail(outcome) == "10.0.0.9:8300 leads"


def test_consul_that_elects_nobody() -> None:
    outcome = one(AwaitConsul("m1", 0.05), m1=FakeConnection({LEADER: (500, b"No cluster leader")}))
    told = reason(outcome)
    assert "after 0.05 s: Consul: 500 No cluster leader" in told
    assert "docker logs" in told


def test_a_machine_is_registered_with_the_version_of_its_engine() -> None:
    server = FakeConnection({MEMBERS: [], REGISTER: (200, b"true")})
    operation = RegisterNode("m1", "c1", "10.0.0.1", {"engine": labels.ENGINE_VERSION, "role": "manager"})
    assert detail(one(operation, m1=FakeConnection(), c1=server)) == ""
    assert server.requests[-1].body == {
        "Node": "m1", "Address": "10.0.0.1", "NodeMeta": {"engine": "26.1.5", "role": "manager"},
    }  # fmt: skip


@pytest.mark.parametrize("state", [3, 4])
def test_the_agent_that_a_machine_had_is_forgotten_before_it_is_registered(state: int) -> None:
    """Else the leader takes the registration away within a minute: seen with Consul 1.8.7."""
    members = Turns([{"Name": "m1", "Status": 1}], [{"Name": "m2", "Status": 3}, {"Name": "m1", "Status": state}])
    nodes = Turns(*((200, [{"Node": name, "Address": "x"}], {"X-Consul-Index": "1"}) for name in ("m1", "c1")))
    prune = "PUT /v1/agent/force-leave/m1"
    server = FakeConnection(
        {MEMBERS: members, prune: (200, b""), "GET /v1/catalog/nodes": nodes, REGISTER: (200, b"true")}
    )
    assert detail(one(RegisterNode("m1", "c1", "10.0.0.1", {}), m1=FakeConnection(), c1=server)) == ""
    lines = [request.line for request in server.requests]
    assert lines == [MEMBERS, MEMBERS, prune, "GET /v1/catalog/nodes", "GET /v1/catalog/nodes", REGISTER]
    assert next(request.query for request in server.requests if request.line == prune) == {"prune": "1"}


def test_an_agent_that_lives_is_not_forgotten() -> None:
    server = FakeConnection({MEMBERS: [{"Name": "m1", "Status": 1}], REGISTER: (200, b"true")})
    assert detail(one(RegisterNode("m1", "c1", "10.0.0.1", {}), m1=FakeConnection(), c1=server)) == ""
    assert {request.line for request in server.requests} == {MEMBERS, REGISTER}


def test_a_registration_that_is_refused() -> None:
    server = FakeConnection({MEMBERS: [], REGISTER: (403, b"Permission denied")})
    outcome = one(RegisterNode("m1", "c1", "10.0.0.1", {}), m1=FakeConnection(), c1=server)
    assert reason(outcome) == "Consul: Permission denied"


def test_many_steps_on_one_machine_share_its_engine() -> None:
    """World.engine is asked for by all of them at once: one object, so one question for the version."""
    connection = FakeConnection(
        {"GET /info": {"Swarm": {"NodeID": "n2"}}, "GET /nodes/n2": MEMBER, "POST /nodes/n2/update": {}}
    )
    wanted = plan(*(UpdateMember("m1", "m1", "worker", "active", {str(number): "x"}) for number in range(10)))
    assert play(wanted, {"m1": connection}).ok
    assert [request.line for request in connection.requests].count("GET /version") == 1
    assert connection.streams == 0


def command_line(command: Command) -> str:
    return " ".join(command.argv)


def test_no_command_line_holds_what_was_told_in_confidence() -> None:
    connection = FakeConnection(outputs={"sh": Completed(0, "", "")})
    one(WriteDaemonJson("m1", '{"a": "canary"}', "none"), m1=connection)
    encoded = base64.b64encode(b'{"a": "canary"}').decode()
    assert all(encoded not in command_line(command) for command in connection.commands)


def test_several_servers_are_ready_when_the_leader_calls_them_healthy() -> None:
    """The second server may be restarted only when the first is one of the majority again."""
    healths = [
        (500, b"No cluster leader"),
        (429, {"Healthy": False, "Servers": [{"Healthy": True}, {"Healthy": False}]}),
        (200, {"Healthy": True, "Servers": [{"Healthy": True}, {"Healthy": True}]}),
        (200, {"Healthy": True, "Servers": [{"Healthy": True}] * 3}),
    ]
    answers = {
        "GET /v1/status/leader": Turns(*[(200, b'"10.0.0.1:8300"')] * 4),
        "GET /v1/operator/autopilot/health": Turns(*healths),
    }
    assert detail(one(AwaitConsul("m1", 5, 3), m1=FakeConnection(answers))) == "10.0.0.1:8300 leads"


def test_servers_that_do_not_become_healthy_are_counted_in_the_reason() -> None:
    answers = {
        "GET /v1/status/leader": (200, b'"10.0.0.1:8300"'),
        "GET /v1/operator/autopilot/health": (200, {"Healthy": True, "Servers": [{"Healthy": True}] * 2}),
    }
    told = reason(one(AwaitConsul("m1", 0.1, 3), m1=FakeConnection(answers)))
    assert told.startswith("Consul is not ready after 0.1 s: 2 of 3 servers are healthy")
