"""The registrator against the shortest script that does the same: `docker events`, `docker inspect` and curl."""

from __future__ import annotations

import threading
import time
from contextlib import contextmanager
from itertools import count
from typing import TYPE_CHECKING, Final

from tests.bench.cases import Resource, Sides, case
from tests.bench.figures import IDLE, MEMORY, WALL, Measure
from tests.bench.surroundings import CLIENT, ENGINE, Bench, write
from tests.e2e.registering import CLUSTER, MACHINE, NODE, PRESENT, SLEEPER, STACK, Registering, build_image
from tests.waiting import wait_until

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from tests.bench.cases import Place
    from tests.bench.figures import Sample

MANY: Final = 500
SECONDS: Final = 20
"""How long nothing happens, in each round."""
VISIBLE: Final = Measure("start to visible", "ms")
GONE: Final = Measure("stop to gone", "ms")
SCRIPT: Final = r"""
put() { curl -sS -X PUT "http://127.0.0.1:8500/v1/agent/service/$@"; }
docker events --filter type=container --filter event=start --filter event=kill \
    --format '{{.Action}} {{.Actor.Attributes.name}}' |
while read -r action name; do
    case $action-$name in
    start-peer*)
        port=$(docker inspect --format '{{(index (index .NetworkSettings.Ports "80/tcp") 0).HostPort}}' "$name")
        put register -d "{\"ID\": \"$name\", \"Name\": \"$name\", \"Port\": $port}";;
    kill-peer*) put "deregister/$name";;
    esac
done
"""
"""It looks after containers called peer*, which the registrator is told to leave alone."""
MARK: Final = "peer-registrator"
AT_START: Final = r"""
docker ps --quiet --filter name=many | xargs docker inspect --format '{{slice .Name 1}}' | while read -r name; do
    curl -sS -X PUT -d "{\"ID\": \"peer-$name\", \"Name\": \"many\", \"Port\": 80}" http://127.0.0.1:8500/v1/agent/service/register
done
"""


@contextmanager
def _registrator(place: Place) -> Iterator[Registering]:
    """A machine with an engine, a swarm of one and Consul; the registrator, and the script beside it."""
    place.get(ENGINE)
    place.get(CLIENT)
    standing = Bench("registrator", place.new_folder("registrator"))
    nodes = f"cluster/nodes/{MACHINE}.yaml"
    write(standing.repo, {"cluster/cluster.yaml": CLUSTER, nodes: NODE, "stacks/idle/compose.yaml": STACK})
    with standing.machines("One machine", engine=True):
        standing.must("apply")
        build_image()
        made = Registering(standing)
        made.sh("sh", "-c", f"docker export $(docker create --label test {PRESENT}) | docker import - {SLEEPER}")
        made.clear()
        made.sh("sh", "-c", f"nohup setsid sh -c '{quoted(SCRIPT)}' {MARK} >/dev/null 2>&1 & sleep 1")
        made.start()
        try:
            wait_until(lambda: "Synced" in made.log(), "the registrator to be ready", saw=made.log)
            yield made
        finally:
            made.remove()


def quoted(script: str) -> str:
    """For a shell's single quotes."""
    return script.replace("'", "'\\''")


REGISTRATOR: Final = Resource("a machine with the registrator", _registrator, on=(ENGINE, CLIENT))


@case(
    "a container registered, and gone from Consul again",
    peer="a shell script: docker events, docker inspect, curl",
    claim="issue 3: median under 50 ms; closing note: 7.5 ms and 3.9 ms",
    needs=(REGISTRATOR,),
    rounds=100,
)
def _latency(place: Place) -> Iterator[Sides]:
    machine, numbers = place.get(REGISTRATOR), count()

    def once(kind: str, *environment: str) -> Sample:
        name = f"{kind}{next(numbers)}"
        machine.docker(
            "create", "--name", name, "--label", "test", "--publish", "80", *environment, "--entrypoint", "sleep", SLEEPER, "infinity"
        )  # fmt: skip
        sample: Sample = {}
        began, index = time.time(), machine.index(name)
        for measure, verb, there in ((VISIBLE, "start", True), (GONE, "kill", False)):
            acting = threading.Thread(target=machine.docker, args=(verb, name))
            acting.start()
            came = machine.seen(name, index, there=there)
            acting.join()
            (at,) = machine.events(began, name, verb)
            sample[measure] = (came - at) * 1000
            index = machine.index(name) if there else 0
        machine.docker("rm", "--force", name)
        return sample

    def ours() -> Sample:
        name = f"SERVICE_NAME=ours{next(numbers) + 1}"  # as the container is called
        return once("ours", "--env", name)

    yield Sides(ours, lambda: once("peer", "--env", "SERVICE_IGNORE=1"))


@contextmanager
def _five_hundred(place: Place) -> Iterator[None]:
    machine = place.get(REGISTRATOR)
    machine.kill()
    script = (
        f"seq {MANY} | xargs -P 4 -I @ docker run -d --name many@ --label test --network host --expose 80 -e SERVICE_NAME=many "
        f"--stop-signal KILL --entrypoint sleep {SLEEPER} infinity >/dev/null"
    )
    try:
        machine.sh("sh", "-c", script)
        yield
    finally:
        machine.clear()


FIVE_HUNDRED: Final = Resource(f"{MANY} containers on it", _five_hundred, on=(REGISTRATOR,))


def seen(machine: Registering) -> int:
    return len(machine.consul("/v1/catalog/service/many"))


def until_all(machine: Registering, act: Callable[[], object]) -> Sample:
    """Seconds from the act until all of them are in the catalogue, which has none before."""
    for one in machine.consul("/v1/catalog/service/many"):
        machine.consul(f"/v1/agent/service/deregister/{one['ServiceID']}", "PUT")
    wait_until(lambda: not seen(machine), "the catalogue to be empty")
    began = time.monotonic()
    acting = threading.Thread(target=act)
    acting.start()
    while seen(machine) < MANY:
        assert time.monotonic() - began < 600, f"{seen(machine)} of {MANY} after ten minutes: {machine.log()[-2000:]}"
        time.sleep(0.02)
    took = time.monotonic() - began
    acting.join()
    return {WALL: took}


@case(
    f"{MANY} containers that run already, registered at the start",
    peer="a shell script: docker ps, docker inspect, a curl for each",
    claim="issue 3: under 5 s; closing note: 2.02 s",
    needs=(REGISTRATOR, FIVE_HUNDRED),
    rounds=3,
    warm_up=False,
)
def _at_the_start(place: Place) -> Iterator[Sides]:
    machine = place.get(REGISTRATOR)

    def ours() -> Sample:
        sample = until_all(machine, machine.again)
        machine.kill()
        return sample

    yield Sides(ours, lambda: until_all(machine, lambda: machine.sh("sh", "-c", AT_START)))


@case(
    f"the registrator while nothing happens, {MANY} containers",
    peer="the shell script that waits for docker events",
    claim="issue 3: under 80 MiB and 1 % of a core; closing notes: 33 MiB, 0.20 %",
    needs=(REGISTRATOR, FIVE_HUNDRED),
    rounds=3,
)
def _idle(place: Place) -> Iterator[Sides]:
    machine = place.get(REGISTRATOR)
    machine.again()
    wait_until(lambda: seen(machine) == MANY, "all of them to be registered", seconds=300, saw=lambda: seen(machine))

    def rest(processor: Callable[[], float], memory: Callable[[], float]) -> Sample:
        before, began = processor(), time.monotonic()
        time.sleep(SECONDS)  # what is measured is that nothing happens
        return {IDLE: (processor() - before) / (time.monotonic() - began) * 100, MEMORY: memory()}

    yield Sides(
        lambda: rest(machine.processor_seconds, machine.memory),
        lambda: rest(lambda: script_processor(machine), lambda: script_memory(machine)),
    )


PIDS: Final = f"$(pgrep -f '[{MARK[0]}]{MARK[1:]}|[d]ocker events')"
"""In brackets, so that who looks for them does not find itself."""


def script_processor(machine: Registering) -> float:
    """Of the shells and of `docker events`, their ended children included."""
    lines = machine.sh("sh", "-c", f"for pid in {PIDS}; do cat /proc/$pid/stat 2>/dev/null; done").splitlines()
    return sum(int(one) for line in lines for one in line.rpartition(")")[2].split()[11:15]) / 100


def script_memory(machine: Registering) -> float:
    lines = machine.sh("sh", "-c", f"for pid in {PIDS}; do grep VmRSS /proc/$pid/status 2>/dev/null; done").splitlines()
    return sum(int(line.split()[1]) for line in lines) / 1024
