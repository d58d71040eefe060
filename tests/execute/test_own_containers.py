"""The machines' own containers and the image that no registry has: what is asked of the engine, and of whom else."""

from __future__ import annotations

import gzip
import io
import tarfile
from typing import Any, ClassVar
from urllib.parse import unquote

import pytest

from deployer.docker import segment
from deployer.model import labels
from deployer.model.command import Completed
from deployer.model.secret import Secret, SecretFile
from deployer.plan.machines import RunContainer
from deployer.plan.outcome import Done, Failed
from deployer.plan.registrator import BuildImage
from deployer.remote import TcpPort
from tests.execute.plans import plan, play
from tests.fakes import FakeConnection

BUILD = BuildImage("m1", "deployer-registrator:0123456789ab", "python:3.12-slim")
BODY = {
    "Image": BUILD.image,
    "User": labels.SOCKET_USER,
    "Labels": {labels.CLUSTER: "test", labels.ROLE: "registrator"},
}
RUN = RunContainer("m1", "deployer-registrator", BUILD.image, BODY)


def engine(**more: Any) -> FakeConnection:
    answers = {
        f"GET /images/{BUILD.image.replace(':', '%3A')}/json": {},
        "GET /images/python%3A3.12-slim/json": {},
        "GET /containers/deployer-registrator/json": (404, {"message": "No such container"}),
        "POST /containers/create": (201, {"Id": "c1"}),
        "POST /containers/c1/start": (204, b""),
        "POST /build": (200, b'{"stream":"Step 1/8"}\n{"stream":"Successfully tagged"}\n'),
    }
    return FakeConnection(answers, outputs={"stat": Completed(0, "660 103\n", ""), **more})


class TestUser:
    @pytest.mark.parametrize(
        ("told", "user"),
        [
            (Completed(0, "660 103\n", ""), "65534:103"),
            (Completed(0, "660 0\n", ""), "65534:0"),
            (Completed(0, "600 0\n", ""), "0:0"),
            (Completed(0, "640 103\n", ""), "0:0"),
            (Completed(1, "", "stat: cannot stat"), "0:0"),
        ],
    )
    def test_nobody_in_the_sockets_group_where_that_may_use_it(self, told: Completed, user: str) -> None:
        connection = engine(stat=told)
        assert isinstance(play(plan(RUN), {"m1": connection}).outcomes[1], Done)
        (created,) = (request for request in connection.requests if request.line == "POST /containers/create")
        assert created.body["User"] == user

    def test_nobody_asks_for_containers_that_do_not_need_it(self) -> None:
        connection = engine()
        body = {key: value for key, value in BODY.items() if key != "User"}
        play(plan(RunContainer("m1", RUN.name, RUN.image, body)), {"m1": connection})
        assert connection.commands == []


class TestBuild:
    def test_the_archive_has_the_program_and_the_dockerfile(self) -> None:
        connection = engine()
        assert isinstance(play(plan(BUILD), {"m1": connection}).outcomes[1], Done)
        asked = connection.requests[-1]
        assert asked.line == "POST /build"
        assert asked.query["t"] == BUILD.image
        assert asked.query["buildargs"] == '{"BASE": "python:3.12-slim"}'
        with tarfile.open(fileobj=io.BytesIO(gzip.decompress(asked.body))) as archive:
            names = archive.getnames()
        assert "Dockerfile" in names
        assert "packages/deployer/registrator/run.py" in names
        assert not [name for name in names if name.startswith("packages/deployer/execute")]

    def test_the_base_is_pulled_where_it_is_missing(self) -> None:
        connection = engine()
        connection.answers["GET /images/python%3A3.12-slim/json"] = (404, {"message": "No such image"})
        connection.answers["POST /images/create"] = (200, b'{"status":"Pulling"}\n')
        assert isinstance(play(plan(BUILD), {"m1": connection}).outcomes[1], Done)
        assert connection.lines[-2:] == ["POST /images/create", "POST /build"]

    def test_a_build_that_fails_says_why(self) -> None:
        connection = engine()
        error = (
            b'{"stream":"Step 3/8 : RUN apt-get update"}\n{"stream":" ---\\u003e Running in d5b74903df73\\n"}\n'
            b'{"error":"returned a non-zero code: 100"}\n'
        )
        connection.answers["POST /build"] = (200, error)
        outcome = play(plan(BUILD), {"m1": connection}).outcomes[1]
        assert isinstance(outcome, Failed)
        assert outcome.reason == "returned a non-zero code: 100"
        assert outcome.log == ("Step 3/8 : RUN apt-get update",), "and nothing of the builder's own bookkeeping"


def passwd(text: str) -> bytes:
    """As an engine answers when it is asked for a file of a container."""
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w") as archive:
        entry = tarfile.TarInfo("passwd")
        entry.size = len(text.encode())
        archive.addfile(entry, io.BytesIO(text.encode()))
    return packed.getvalue()


PASSWD = "root:x:0:0:root:/root:/bin/sh\nconsul:x:100:1000::/home/consul:/sbin/nologin\nodd:x:9:9\nbad:x:-1:x::\n"


class TestFiles:
    FILE = SecretFile("/etc/x.token", Secret("canary"))

    def packed(
        self, body: dict[str, Any], user: str = "", users: Any = (404, {"message": "Could not find the file"})
    ) -> tuple[FakeConnection, tarfile.TarInfo, bytes]:
        """`user`: whom the container runs as, by its definition or its image's; `users`: its /etc/passwd."""
        connection = engine()
        connection.answers |= {
            "PUT /containers/c1/archive": (200, b""),
            "GET /containers/c1/json": {"Id": "c1", "Config": {"User": user}},
            "GET /containers/c1/archive": users if isinstance(users, tuple) else (200, users),
        }
        operation = RunContainer("m1", RUN.name, RUN.image, body, (self.FILE,))
        assert isinstance(play(plan(operation), {"m1": connection}).outcomes[1], Done)
        (put,) = (request for request in connection.requests if request.line.startswith("PUT"))
        assert put.query == {"path": "/"}
        with tarfile.open(fileobj=io.BytesIO(put.body)) as archive:
            (entry,) = archive.getmembers()
            content = archive.extractfile(entry)
            assert content is not None
            return connection, entry, content.read()

    def test_they_are_there_before_it_starts_and_its_user_alone_may_read_them(self) -> None:
        connection, entry, content = self.packed(BODY, "65534:103")
        assert connection.lines[-4:] == [
            "POST /containers/create", "GET /containers/c1/json", "PUT /containers/c1/archive", "POST /containers/c1/start",
        ]  # fmt: skip
        assert (entry.name, content) == ("etc/x.token", b"canary")
        assert (entry.uid, entry.gid, entry.mode) == (65534, 103, 0o400)

    @pytest.mark.parametrize(
        ("role", "user", "users", "owner"),
        [
            ("consul", "", PASSWD, (100, 1000)),
            ("consul", "root", PASSWD, (100, 1000)),
            ("consul", "0", PASSWD, (100, 1000)),
            ("consul", "consul", PASSWD, (100, 1000)),
            ("consul", "100", PASSWD, (100, 1000)),
            ("consul", "100:7", PASSWD, (100, 7)),
            ("consul", "1001", PASSWD, (1001, 0)),
            ("consul", "1001:0", PASSWD, (1001, 0)),
            ("consul", "", "root:x:0:0::/:/bin/sh\n", (0, 0)),
            ("consul", "", None, (0, 0)),
            ("registrator", "", PASSWD, (0, 0)),
            ("registrator", "nobody", "nobody:x:65534:65533::/:\n", (65534, 65533)),
            ("consul", "", "consul:x:99999999999:1::/:\n", (0, 0)),
            ("consul", "", "\0\xff:::", (0, 0)),
        ],
    )
    def test_whoever_reads_them_by_the_image_s_word(
        self, role: str, user: str, users: str | None, owner: tuple[int, int]
    ) -> None:
        """hashicorp/consul begins as root and goes on as `consul`, which is 100:1000 there and another one in other images."""
        body = {key: value for key, value in BODY.items() if key != "User"}
        body["Labels"] = {labels.CLUSTER: "test", labels.ROLE: role}
        told = (404, {"message": "no such file"}) if users is None else passwd(users)
        _, entry, _ = self.packed(body, user, told)
        assert (entry.uid, entry.gid, entry.mode) == (*owner, 0o400)

    @pytest.mark.parametrize("answer", [b"", b"no tar", b"\0" * 2048, passwd(PASSWD)[:600]])
    def test_a_list_of_users_that_is_none(self, answer: bytes) -> None:
        body = {**BODY, "Labels": {labels.CLUSTER: "test", labels.ROLE: "consul"}}
        _, entry, _ = self.packed(body, "", answer)
        assert entry.mode == 0o400

    def test_nothing_else_carries_them(self) -> None:
        connection, *_ = self.packed(BODY, "65534:103")
        others = [request for request in connection.requests if not request.line.startswith("PUT")]
        assert "canary" not in repr([others, connection.commands])

    def test_a_container_that_could_not_be_given_them_does_not_start(self) -> None:
        connection = engine()
        connection.answers["PUT /containers/c1/archive"] = (500, {"message": "no space left on device"})
        connection.answers["GET /containers/c1/json"] = {"Config": {"User": "65534:103"}}
        operation = RunContainer("m1", RUN.name, RUN.image, BODY, (self.FILE,))
        outcome = play(plan(operation), {"m1": connection}).outcomes[1]
        assert isinstance(outcome, Failed)
        assert outcome.reason == "no space left on device"
        assert "POST /containers/c1/start" not in connection.lines


class TestLeaving:
    MOVES = RunContainer("m1", RUN.name, RUN.image, BODY, leaves="10.0.0.1")
    ENTRIES: ClassVar = {
        "ours": {"ID": "m1:web:80", "Meta": {"registrator-engine": "E1"}},
        "ours with an id of its own": {"ID": "shop", "Meta": {"registrator-engine": "E1"}},
        "another machine's": {"ID": "m2:web:80", "Meta": {"registrator-engine": "E2"}},
        "a foreign registrator's": {"ID": "m1:old:80", "Meta": {}},
        "somebody's": {"ID": "db"},
    }

    def moving(self, services: Any) -> FakeConnection:
        connection = engine()
        connection.answers |= {
            "GET /containers/deployer-registrator/json": {"Config": {"Labels": {labels.CLUSTER: "test"}}},
            "POST /containers/deployer-registrator/stop": (204, b""),
            "DELETE /containers/deployer-registrator": (204, b""),
            "GET /info": {"ID": "E1"},
            "GET /v1/agent/services": services,
        }
        for identifier in ("m1:web:80", "shop", "m1:old:80"):
            connection.answers[f"PUT /v1/agent/service/deregister/{segment(identifier)}"] = (200, b"")
        return connection

    def test_what_is_its_own_is_taken_out_between_stop_and_removal(self) -> None:
        """Killed in between, the next run finds the stopped container with its old label and does it again."""
        connection = self.moving(self.ENTRIES)
        outcome = play(plan(self.MOVES), {"m1": connection}).outcomes[1]
        assert isinstance(outcome, Done), outcome
        assert outcome.detail == "replaced; 3 taken out of the Consul at 10.0.0.1"
        lines = connection.lines
        gone = [unquote(line.rpartition("/")[2]) for line in lines if "deregister" in line]
        assert gone == ["m1:web:80", "shop", "m1:old:80"]
        stop, delete = (next(i for i, line in enumerate(lines) if word in line) for word in ("/stop", "DELETE"))
        assert all(stop < lines.index(line) < delete for line in lines if "/v1/" in line)
        asked = [request for request in connection.requests if "/v1/" in request.line]
        assert {request.place for request in asked} == {TcpPort("10.0.0.1", 8500)}

    def test_an_old_consul_that_does_not_answer_holds_nothing_up(self) -> None:
        connection = self.moving((500, b"No cluster leader"))
        outcome = play(plan(self.MOVES), {"m1": connection}).outcomes[1]
        assert isinstance(outcome, Done), outcome
        assert outcome.detail.startswith("replaced; what it registered may stay in the Consul at 10.0.0.1: ")
        assert connection.lines[-1] == "POST /containers/c1/start"
