"""Machines from nothing: a sandbox, an engine on one and on four of them, the whole example, and a Consul that is upgraded."""

from __future__ import annotations

import socket
import subprocess
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from functools import partial
from itertools import count
from typing import TYPE_CHECKING, Final

from tests.bench.cases import Sides, case
from tests.bench.figures import WALL, Measure
from tests.bench.planning import BARE_STACKS, at, stack_deploy
from tests.bench.surroundings import CLIENT, ENGINE, SSH, Bench, BenchCluster, deployer, write
from tests.bench.timing import clock
from tests.e2e.cluster import COUNTS, MACHINES, MEMBERS
from tests.waiting import wait_until

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from tests.bench.cases import Place
    from tests.bench.figures import Sample
    from tests.e2e.cluster import Cluster
    from tests.e2e.standing import Standing

MIRROR: Final = '{"registry-mirrors": ["http://registry.sandbox:5000"]}'
INSTALL: Final = (
    "export DEBIAN_FRONTEND=noninteractive; mkdir -p /etc/docker; echo '" + MIRROR + "' >/etc/docker/daemon.json;"
    " apt-get update -q && apt-get install -q -y --no-install-recommends docker.io && docker info"
)
"""What somebody types who installs an engine by hand."""
APPLY: Final = Measure("apply", "s")
UP: Final = Measure("machines made and applied", "s")
NEEDS: Final = (ENGINE, CLIENT, SSH)


def at_once(argvs: Sequence[Sequence[str]]) -> None:
    """Run all of them at the same time; each has to end with 0."""
    started = [
        subprocess.Popen(argv, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
        for argv in argvs
    ]
    said = [one.communicate(timeout=900)[0] for one in started]
    for one, text in zip(started, said, strict=True):
        assert one.returncode == 0, text[-1000:]


# --- the sandbox itself -----------------------------------------------------------------------------------------------


@case(
    "sandbox up of four machines whose images are there",
    peer="four times `docker run` of the same image, until each answers at port 22",
    claim="closing note: 1.7 to 2.2 s",
    needs=(ENGINE,),
    rounds=3,
)
def _up(place: Place) -> Iterator[Sides]:
    standing = Bench("up", place.new_folder("up"))

    def ours() -> Sample:
        try:
            return {WALL: deployer(standing, "sandbox", "up", "--name", standing.name)[WALL]}
        finally:
            standing.must("sandbox", "down", "--name", standing.name)

    yield Sides(ours, lambda: by_docker_run(standing))


def by_docker_run(standing: Standing) -> Sample:
    image = standing.host("images", "--quiet", "deployer-sandbox/machine").split()[0]
    options = ("--privileged", "--cgroupns=private", "--tmpfs=/run:exec,mode=0755", "--tmpfs=/tmp:exec,mode=1777")
    volumes = ("--volume=/var/lib/docker", "--volume=/var/lib/containerd")
    names = [f"deployer-{standing.name}-m{number}" for number in range(4)]

    def start(name: str) -> None:
        standing.host("run", "--detach", "--name", name, *options, *volumes, image)
        where = "{{range .NetworkSettings.Networks}}{{.IPAddress}}{{end}}"
        address = standing.host("inspect", "--format", where, name)
        wait_until(lambda: answers(address), f"{name} to answer at port 22", seconds=180)

    try:
        with ThreadPoolExecutor(4) as pool:
            return clock(lambda: list(pool.map(start, names)))
    finally:
        subprocess.run(["docker", "rm", "--force", "--volumes", *names], capture_output=True, check=False)


def answers(address: str) -> bool:
    try:
        with socket.create_connection((address, 22), timeout=1) as connection:
            return connection.recv(4) == b"SSH-"
    except OSError:
        return False


# --- bare machines ----------------------------------------------------------------------------------------------------


@contextmanager
def bare(place: Place, kind: str, machines: int) -> Iterator[Bench]:
    """Machines without an engine, which git wants to have one and no more."""
    standing = Bench(kind, place.new_folder(kind))
    mirror = 'engine: {install: distro, daemon: {registry-mirrors: ["http://registry.sandbox:5000"]}}'
    nodes = {
        f"cluster/nodes/m{number}.yaml": f"address: 192.0.2.{number}\nswarm: none\n"
        for number in range(1, machines + 1)
    }
    write(standing.repo, {"cluster/cluster.yaml": f"name: bare\nssh: {{user: root}}\n{mirror}\n", **nodes})
    with standing.machines("Bare machines"):
        yield standing


def provisioned(place: Place, machines: int) -> Sample:
    with bare(place, "ours", machines) as standing:
        return {WALL: deployer(standing, "apply")[WALL]}


def installed(place: Place, machines: int) -> Sample:
    with bare(place, "plain", machines) as standing:
        names = [f"m{number}" for number in range(1, machines + 1)]
        argvs = [standing.ssh(f"root@{standing.address(name)}", INSTALL) for name in names]
        return clock(lambda: at_once(argvs))


@case("one bare machine gets its engine", peer="ssh HOST, apt-get install docker.io", claim="closing note: 7.2 s",
      needs=NEEDS, rounds=2, warm_up=False)  # fmt: skip
def _one_bare(place: Place) -> Iterator[Sides]:
    yield Sides(lambda: provisioned(place, 1), lambda: installed(place, 1))


@case("four bare machines side by side get their engines", peer="four times ssh HOST, apt-get install docker.io, at once",
      claim="issue 2: at most 1.6 times as long as one; closing note: 19.3 s, 2.7 times", needs=NEEDS, rounds=2, warm_up=False)  # fmt: skip
def _four_bare(place: Place) -> Iterator[Sides]:
    yield Sides(lambda: provisioned(place, 4), lambda: installed(place, 4))


# --- the whole example ------------------------------------------------------------------------------------------------


@case(
    "from four bare machines to the example's cluster",
    peer="a script by hand over ssh: engines, swarm, Consul, two stacks; no registrator, no labels, nothing checked",
    claim="README: 1 min 19 s; closing notes: apply 40.1 s; machines and all 1 min 31 s",
    needs=NEEDS,
    rounds=1,
    warm_up=False,
)
def _example(place: Place) -> Iterator[Sides]:
    def ours() -> Sample:
        made, began = BenchCluster("example", place.new_folder("example")), time.monotonic()
        with made.machines("Four machines, two stacks"):
            applied = deployer(made, "apply")
            return {APPLY: applied[WALL], UP: time.monotonic() - began}

    def peer() -> Sample:
        made, began = BenchCluster("byhand", place.new_folder("byhand")), time.monotonic()
        with made.machines("Four machines, two stacks"):
            took = clock(lambda: by_hand(place, made))
            return {APPLY: took[WALL], UP: time.monotonic() - began}

    yield Sides(ours, peer)


def by_hand(place: Place, made: Cluster) -> None:
    """What the README of 2016 would have one type, with today's swarm."""
    addresses = {name: made.address(name) for name in MACHINES}
    root = {name: made.ssh(f"root@{address}") for name, address in addresses.items()}
    root["slave2"] = made.ssh(f"root@{addresses['slave2']}")
    at_once([[*argv, INSTALL] for argv in root.values()])
    at_once([[*root["master"], f"docker swarm init --advertise-addr {addresses['master']}"]])
    token = subprocess.run(
        [*root["master"], "docker swarm join-token --quiet worker"], capture_output=True, text=True, check=True
    ).stdout.strip()
    at_once([[*root[name], f"docker swarm join --token {token} {addresses['master']}:2377"] for name in MEMBERS[1:]])
    consul = "docker run --detach --name consul --network host hashicorp/consul:1.20 agent -server -bootstrap -ui"
    at_once([[*root["consul"], f"{consul} -bind {addresses['consul']} -client 0.0.0.0"]])
    folder = place.new_folder("stacks")
    with made.engine_socket("master", folder) as local:
        for name, text in BARE_STACKS.items():
            (folder / f"{name}.yaml").write_text(text.replace("replicas: 0", "replicas: 1"))
            argv = stack_deploy(name, folder / f"{name}.yaml")
            subprocess.run(argv, env=at(local, made), check=True, capture_output=True)
        made.on("master", "docker", "service", "scale", "--detach", "swarmtest_web=3")
        wait_until(lambda: made.replicas() == COUNTS, "every service to be complete", seconds=600, saw=made.replicas)


# --- Consul -----------------------------------------------------------------------------------------------------------

SERVERS: Final = ("c1", "c2", "c3")
CONSULS: Final = (*SERVERS, "app")
CONSUL: Final = """\
name: consuls
ssh: {user: root}
engine: {daemon: {registry-mirrors: ["http://registry.sandbox:5000"]}}
consul: {image: "hashicorp/consul:1.20"}
"""


@case(
    "three Consul servers and an agent upgraded one after the other",
    peer="`docker restart` of each by hand, the next when there are three peers and a leader",
    needs=NEEDS,
    rounds=2,
    warm_up=False,
)
def _consul(place: Place) -> Iterator[Sides]:
    standing = Bench("consuls", place.new_folder("consuls"))
    nodes = {
        f"cluster/nodes/{name}.yaml": f"address: 192.0.2.{number}\nswarm: none\nconsul: {'server' if name in SERVERS else 'agent'}\n"
        for number, name in enumerate(CONSULS, 1)
    }
    write(standing.repo, {"cluster/cluster.yaml": CONSUL, **nodes})
    turns = count()

    def ours() -> Sample:
        versions = ("consul:1.20", "consul:latest") if next(turns) % 2 == 0 else ("consul:latest", "consul:1.20")
        standing.edit("cluster/cluster.yaml", *versions)
        standing.commit("Another Consul")
        return {WALL: deployer(standing, "apply")[WALL]}

    def restart() -> None:
        for name in CONSULS:
            standing.on(name, "docker", "restart", "deployer-consul")
            wait_until(partial(complete, standing, name), f"Consul to be complete after {name}", seconds=300)

    with standing.machines("Three servers and an agent", engine=True):
        standing.must("apply")
        yield Sides(ours, lambda: clock(restart))


def complete(standing: Standing, machine: str) -> bool:
    """Whether Consul on that machine knows a leader and three servers."""
    asked = "curl -s --max-time 5 http://127.0.0.1:8500/v1/status/leader; curl -s http://127.0.0.1:8500/v1/status/peers"
    said = standing.on(machine, "sh", "-c", f"{asked}; true")
    return said.count(":8300") == 1 + len(SERVERS)
