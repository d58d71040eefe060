"""Plans and applies of many stacks, of nothing, and of thirty machines, on the cluster."""

from __future__ import annotations

import json
import subprocess
import time
from contextlib import contextmanager
from itertools import count
from typing import TYPE_CHECKING, Final
from urllib.parse import quote

from tests.bench.cases import Resource, Sides, case
from tests.bench.figures import PEAK, PROCESSOR, WALL, Measure
from tests.bench.surroundings import CLUSTER, SOCKET, deployer, repository, write
from tests.bench.timing import clock, spend_all
from tests.bench.validating import compose, many
from tests.e2e.standing import seconds_of
from tests.waiting import wait_until

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.bench.cases import Place
    from tests.bench.figures import Sample
    from tests.e2e.standing import Standing

STACKS: Final = 200
SAMPLE: Final = 20
"""Of the peer's deploys: each takes the same, and services of more of them would be in what the plan lists."""
ADDRESSES: Final = 30
RUNS: Final = Measure("new task runs after", "s")
BARE_STACKS: Final = {
    "swarmtest": "services:\n  web: {image: 'deployer/counter:1', networks: [front, back], deploy: {replicas: 0}}\n"
    "  redis: {image: 'redis:7', networks: [back], deploy: {replicas: 0}}\nnetworks: {front: {}, back: {}}\n",
    "proxy": "services:\n  nginx: {image: 'nginx:1.27', networks: [front], deploy: {replicas: 0}}\nnetworks: {front: {}}\n",
}
"""The example's two stacks for the peer. They start no task: two proxies cannot have one port, and nothing to do is nothing to start."""
LOOP: Final = "a loop of `docker stack deploy` over one forwarded socket"


def stack_deploy(name: str, file: Path | str, *options: str) -> list[str]:
    return ["docker", "stack", "deploy", *(options or ("--detach", "--resolve-image=never")), "-c", str(file), name]


def at(socket: Path, cluster: Standing) -> dict[str, str]:
    return {**cluster.env, "DOCKER_HOST": f"unix://{socket}"}


def remove_stacks(cluster: Standing, pattern: str) -> None:
    """What the peer deployed, and what of ours no longer is in git."""
    remove = f"docker stack ls --format '{{{{.Name}}}}' | grep -E '^({pattern})' | xargs -r docker stack rm"
    cluster.on("master", "sh", "-c", f"{remove} >/dev/null 2>&1; true")

    def left() -> list[str]:
        listed = cluster.on("master", "docker", "service", "ls", "--format", "{{.Name}}")
        return [name for name in listed.split() if any(name.startswith(one) for one in pattern.split("|"))]

    wait_until(lambda: not left(), f"the services of {pattern} to be gone", seconds=300, saw=left)


@contextmanager
def _many(place: Place) -> Iterator[None]:
    cluster = place.get(CLUSTER)
    before = cluster.git("rev-parse", "HEAD")
    write(cluster.repo, many(STACKS))
    cluster.commit("Many stacks")
    try:
        cluster.must("apply")
        yield
    finally:
        cluster.back_to(before)
        remove_stacks(cluster, "many|peer|one")
        cluster.must("apply")


MANY: Final = Resource(f"{STACKS} stacks on it", _many, on=(CLUSTER,))


@case(
    f"a plan of {STACKS} stacks of 5 services, nothing to do",
    peer=f"{LOOP}: {SAMPLE} of them, times {STACKS // SAMPLE}",
    claim="issue 4: under 1 s, 20 times as fast, under 150 MiB; closing note: 0.92 s, 17 times, 78 MiB",
    needs=(SOCKET, MANY),
)
def _nothing_to_do(place: Place) -> Iterator[Sides]:
    cluster, env = place.get(CLUSTER), at(place.get(SOCKET), place.get(CLUSTER))
    folder = place.new_folder("peers")
    write(folder, {f"{number}.yaml": compose(number) for number in range(SAMPLE)})
    deploys = [stack_deploy(f"peer{number:03}", folder / f"{number}.yaml") for number in range(SAMPLE)]

    def peer() -> Sample:
        spent = spend_all(deploys, cwd=folder, env=env)
        times = STACKS // SAMPLE
        return {WALL: spent[WALL] * times, PROCESSOR: spent[PROCESSOR] * times, PEAK: spent[PEAK]}

    yield Sides(lambda: deployer(cluster, "plan", "--quiet", "--detailed-exitcode"), peer)


def one(number: int) -> str:
    """A stack whose only task starts beside the old one: stopping that takes the engine seconds, whoever asks for it."""
    return (
        f"services: {{x: {{image: 'redis:7', environment: {{V: '{number}'}}, "
        "deploy: {update_config: {order: start-first}}}}\n"
    )


def started(cluster: Standing, service: str, since: float) -> float:
    """When the task that was made after `since` began to run, by its machine's clock, which is this one's."""
    where = f"http://docker/tasks?filters={quote(json.dumps({'service': [service]}))}"

    def runs() -> list[float]:
        tasks = json.loads(cluster.on("master", "curl", "-sS", "--unix-socket", "/var/run/docker.sock", where))
        made = [task["Status"] for task in tasks if seconds_of(task["CreatedAt"]) > since]
        return [seconds_of(status["Timestamp"]) for status in made if status["State"] == "running"]

    return wait_until(runs, f"a new task of {service} to run", seconds=300)[0]


@case(
    f"one changed stack among {STACKS}, applied",
    peer="a bare `docker stack deploy` of that file over a forwarded socket",
    claim="issue 4: at most 1.0 s later; closing note: 1.19 s later",
    needs=(SOCKET, MANY),
)
def _one_changed(place: Place) -> Iterator[Sides]:
    cluster, env = place.get(CLUSTER), at(place.get(SOCKET), place.get(CLUSTER))
    folder, numbers = place.new_folder("one"), count()

    def ours() -> Sample:
        write(cluster.repo, {"stacks/one.yaml": one(next(numbers))})
        cluster.commit("One of them")
        began = time.time()
        cluster.must("apply")
        return {RUNS: started(cluster, "one_x", began) - began}

    def peer() -> Sample:
        write(folder, {"one.yaml": one(next(numbers))})
        began = time.time()
        subprocess.run(
            stack_deploy("peerone", folder / "one.yaml", "--detach"), env=env, check=True, capture_output=True
        )
        return {RUNS: started(cluster, "peerone_x", began) - began}

    yield Sides(ours, peer)


@case(
    "apply of the same commit once more: four machines, two stacks",
    peer="`docker stack deploy` of the two stacks over a forwarded socket, which asks no machine",
    claim="README: less than a second; closing note: 0.63 to 0.75 s; an apply's peak 61 MB",
    needs=(SOCKET,),
    rounds=10,
)
def _again(place: Place) -> Iterator[Sides]:
    cluster, env = place.get(CLUSTER), at(place.get(SOCKET), place.get(CLUSTER))
    folder = place.new_folder("bare")
    write(folder, {f"{name}.yaml": text for name, text in BARE_STACKS.items()})
    deploys = [stack_deploy(f"bare-{name}", folder / f"{name}.yaml") for name in BARE_STACKS]
    try:
        yield Sides(lambda: deployer(cluster, "apply"), lambda: spend_all(deploys, cwd=folder, env=env))
    finally:
        remove_stacks(cluster, "bare-")


@case(
    f"a plan that looks at {ADDRESSES} machines",
    peer=f"{ADDRESSES} plain `ssh HOST true` at once",
    claim="issue 2: under 1.5 s; closing note: 1.17 s, plain 1.62 s",
    needs=(CLUSTER,),
)
def _thirty(place: Place) -> Iterator[Sides]:
    """Thirty addresses are served by one sshd, which a limit of its own would trip."""
    cluster = place.get(CLUSTER)
    subnet = cluster.address("consul").rpartition(".")[0]
    addresses = [f"{subnet}.{number}" for number in range(100, 100 + ADDRESSES)]
    host_key = cluster.on("consul", "cat", "/etc/ssh/ssh_host_ed25519_key.pub").split()[:2]
    settings = f"{{user: root, port: 2222, identity_file: {cluster.identity_file}}}"
    files = {
        "cluster/cluster.yaml": f"name: thirty\nssh: {settings}\nengine: {{install: none}}\n",
        "cluster/known_hosts": "".join(f"[{one}]:2222 {' '.join(host_key)}\n" for one in addresses),
        **{f"cluster/nodes/m{n}.yaml": f"address: {one}\nswarm: none\n" for n, one in enumerate(addresses)},
    }
    thirty = repository(place, "thirty", files)
    ssh = ["ssh", "-F", "none", "-i", str(cluster.identity_file), "-p", "2222", "-o", "BatchMode=yes"]
    ssh += ["-o", f"UserKnownHostsFile={thirty.repo / 'cluster/known_hosts'}"]

    def plain() -> None:
        clients = [subprocess.Popen([*ssh, f"root@{one}", "true"], stdin=subprocess.DEVNULL) for one in addresses]
        codes = [client.wait(60) for client in clients]
        assert codes == [0] * ADDRESSES, codes

    commands = [f"ip address replace {one}/24 dev eth0" for one in addresses]
    sshd = "/usr/sbin/sshd -p 2222 -o MaxStartups=200 -o PidFile=/run/sshd-thirty.pid"
    try:
        cluster.on("consul", "sh", "-c", " && ".join([*commands, sshd]))
        yield Sides(lambda: deployer(thirty, "plan", "--detailed-exitcode"), lambda: clock(plain))
    finally:
        removals = [f"ip address del {one}/24 dev eth0" for one in addresses]
        cluster.on("consul", "sh", "-c", "; ".join(["kill $(cat /run/sshd-thirty.pid)", *removals, "true"]))
