"""One machine with an engine and Consul, and the registrator's own image beside it: what tests do to them, and see of them."""

from __future__ import annotations

import http.client
import json
import os
import subprocess
import time
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from deployer.registrator.api import build_context
from tests.e2e.leftovers import LABEL
from tests.e2e.standing import Standing

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from pathlib import Path

BASE: Final = "deployer-sandbox/debian:12"
IMAGE: Final = "deployer-e2e/registrator:test"
PRESENT: Final = "hashicorp/consul:1.20"
"""The image that is on the machine already; its `sleep` is all that is needed of it."""
SLEEPER: Final = "sleeper"
"""The same without its ports."""
MACHINE: Final = "one"
NODE = "address: 127.0.0.1\nswarm: manager\nconsul: server\n"
STACK = f"services:\n  idle:\n    image: {PRESENT}\n    deploy: {{replicas: 0}}\n"
CLUSTER = """name: registrator
ssh: {user: root}
engine:
  install: distro
  daemon:
    registry-mirrors: ["http://registry.sandbox:5000"]
consul: {image: hashicorp/consul:1.20, datacenter: dc1}
"""


def build_image() -> None:
    argv = ["docker", "build", "--quiet", "--tag", IMAGE, "--build-arg", f"BASE={BASE}", "-"]
    done = subprocess.run(argv, input=build_context(), capture_output=True, check=False, timeout=300)
    assert done.returncode == 0, done.stderr.decode()


@contextmanager
def registering(home: Path) -> Iterator[Registering]:
    """A machine with an engine, a swarm of one and Consul, made by deployer itself, and the image beside it."""
    standing = Standing("registrator", home)
    for path, text in {
        "cluster/cluster.yaml": CLUSTER,
        f"cluster/nodes/{MACHINE}.yaml": NODE,
        "stacks/idle/compose.yaml": STACK,
    }.items():
        (standing.repo / path).parent.mkdir(parents=True, exist_ok=True)
        (standing.repo / path).write_text(text)
    with standing.machines("One machine", engine=True):
        standing.must("apply")
        build_image()
        made = Registering(standing)
        made.sh("sh", "-c", f"docker export $(docker create --label test {PRESENT}) | docker import - {SLEEPER}")
        made.clear()
        try:
            yield made
        finally:
            made.remove()


@dataclass(frozen=True)
class Box:
    """A container of the machine, as its engine describes it: the truth."""

    name: str
    running: bool
    health: str
    env: dict[str, str]
    published: int
    """The host's port of port 80; 0 where it is not published."""


class Registering:
    """The registrator runs on the outer engine, in the machine's network and process namespaces.

    So it reaches the machine's engine by its socket and Consul on localhost, and the machine's engine can restart without it.
    """

    def __init__(self, standing: Standing) -> None:
        self._standing = standing
        self.name = f"deployer-{standing.name}-registrator"
        self.machine = standing.container(MACHINE)
        self.address = standing.address(MACHINE)

    # --- the registrator ----------------------------------------------------------------------------------------------

    def start(
        self, *flags: str, uri: str = "consul://localhost:8500", env: Iterable[str] = (), volume: str = ""
    ) -> None:
        self.remove()
        self._standing.host(
            "run", "--detach", "--name", self.name, "--label", f"{LABEL}={os.getpid()}", "--pid", f"container:{self.machine}",
            "--network", f"container:{self.machine}", "--privileged",  # for /proc/1/root
            "--env", "DOCKER_HOST=unix:///proc/1/root/run/docker.sock", *(word for one in env for word in ("--env", one)),
            *(("--volume", volume) if volume else ()), IMAGE, *flags, uri,
        )  # fmt: skip

    def remove(self) -> None:
        subprocess.run(["docker", "rm", "--force", self.name], capture_output=True, check=False, timeout=60)

    def kill(self) -> None:
        self._standing.host("kill", self.name)

    def again(self) -> None:
        self._standing.host("start", self.name)

    def log(self) -> str:
        done = subprocess.run(["docker", "logs", self.name], capture_output=True, text=True, check=True, timeout=60)
        return done.stderr

    def exit_code(self) -> int | None:
        """None while it runs."""
        state = json.loads(self._standing.host("inspect", "--format", "{{json .State}}", self.name))
        return None if state["Running"] else int(state["ExitCode"])

    def memory(self) -> float:
        """MiB of the program itself: resident, what it shares included."""
        lines = self._proc("status").splitlines()
        return int(next(line for line in lines if line.startswith("VmRSS")).split()[1]) / 1024

    def processor_seconds(self) -> float:
        fields = self._proc("stat").rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / 100

    def _proc(self, file: str) -> str:
        pid = self._standing.host("inspect", "--format", "{{.State.Pid}}", self.name)
        with open(f"/proc/{pid}/{file}", encoding="ascii") as told:  # noqa: PTH123 - no path of a project
            return told.read()

    # --- the machine's engine -----------------------------------------------------------------------------------------

    def docker(self, *argv: str) -> str:
        """Standard output; an engine that refuses is no failure of the test."""
        return self.sh("docker", *argv)

    def sh(self, *argv: str) -> str:
        done = subprocess.run(
            ["docker", "exec", self.machine, *argv], capture_output=True, text=True, check=False, timeout=900
        )
        return done.stdout

    def copy(self, folder: Path, target: str) -> None:
        """A folder of this machine's into that one."""
        self._standing.host("cp", str(folder), f"{self.machine}:{target}")

    def run(self, name: str, *options: str, command: str = "sleep infinity") -> None:
        self.docker(
            "run", "--detach", "--name", name, "--label", "test", "--stop-signal", "KILL", *options,
            "--entrypoint", "sh", SLEEPER, "-c", command,
        )  # fmt: skip

    def clear(self) -> None:
        self.sh("sh", "-c", "docker ps -aq --filter label=test | xargs -r docker rm -f")

    def truth(self) -> list[Box]:
        """The test's containers."""
        ids = self.docker("ps", "--all", "--quiet", "--filter", "label=test").split()
        boxes = []
        for told in json.loads(self.docker("inspect", *ids)) if ids else []:
            state = told["State"]
            running = state["Running"] and not state["Paused"] and not state["Restarting"]
            env = dict(word.split("=", 1) for word in told["Config"]["Env"] or [])
            bindings = told["NetworkSettings"]["Ports"].get("80/tcp") or [{"HostPort": "0"}]
            health = (state.get("Health") or {}).get("Status", "")
            boxes.append(Box(told["Name"][1:], running, health, env, int(bindings[0]["HostPort"])))
        return boxes

    # --- Consul -------------------------------------------------------------------------------------------------------

    def consul(self, path: str, method: str = "GET", body: Any = None) -> Any:
        connection = http.client.HTTPConnection(self.address, 8500, timeout=70)
        try:
            connection.request(method, path, None if body is None else json.dumps(body))
            answer = connection.getresponse()
            text = answer.read()
            assert answer.status == 200, (answer.status, text)
            return json.loads(text) if text.strip() else None
        finally:
            connection.close()

    def catalogue(self) -> dict[str, dict[str, Any]]:
        """The machine's services in the catalogue (not on the agent) by id, each with its checks' status."""
        node = self.consul(f"/v1/catalog/node/{MACHINE}")["Services"]
        services = {id_: told for id_, told in node.items() if id_ != "consul"}
        for check in self.consul(f"/v1/health/node/{MACHINE}"):
            if check["ServiceID"] in services:
                services[check["ServiceID"]].setdefault("Statuses", []).append(check["Status"])
        return services

    def index(self, service: str) -> int:
        """The catalogue's index for a service that is not there, to wait from."""
        return self._watched(service, 0)[0]

    def seen(self, service: str, index: int, *, there: bool) -> float:
        """When (seconds since 1970) the catalogue had, or had no more, a service; by a blocking query."""
        while True:
            index, found = self._watched(service, index)
            if bool(found) is there:
                return time.time()

    def _watched(self, service: str, index: int) -> tuple[int, list[Any]]:
        connection = http.client.HTTPConnection(self.address, 8500, timeout=70)
        try:
            connection.request("GET", f"/v1/catalog/service/{service}?index={index}&wait=60s")
            answer = connection.getresponse()
            return int(answer.headers["X-Consul-Index"]), json.loads(answer.read())
        finally:
            connection.close()

    def events(self, since: float, name: str, event: str) -> list[float]:
        """When (seconds since 1970) the engine had these events of a container."""
        told = self.docker(
            "events", "--since", f"{since:.9f}", "--until", f"{time.time():.9f}", "--filter", f"container={name}",
            "--filter", f"event={event}", "--format", "{{json .}}",
        )  # fmt: skip
        return [json.loads(line)["timeNano"] / 1e9 for line in told.splitlines()]
