"""Files and commits into values: documents, hostile ones among them, and what is read out of git."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from typing import TYPE_CHECKING, Final

import yaml

from deployer.document import parse
from deployer.source import git, load
from tests.bench.cases import Sides, case
from tests.bench.figures import PROCESSOR, Measure, Sample
from tests.bench.machine import PROJECT
from tests.bench.surroundings import repository
from tests.bench.timing import clock
from tests.document.test_hostile import HOSTILE
from tests.source.conftest import GOOD, STACK

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.bench.cases import Place
    from tests.e2e.standing import Standing

STACKS: Final = 200
SERVICES: Final = 900
SLOWEST: Final = Measure("slowest file, processor", "s")
LARGEST: Final = Measure("largest growth of memory", "MiB")
PARSE: Final = """
import json, sys, time
from deployer.document import parse

def peak():
    with open("/proc/self/status") as status:
        return next(int(line.split()[1]) for line in status if line.startswith("VmHWM:")) / 1024

parse("warm-up", b"a: 1")
data = sys.stdin.buffer.read()
before, start = peak(), time.process_time()
parse("f.yaml", data)
print(json.dumps([time.process_time() - start, peak() - before]))
"""


def honest() -> bytes:
    """A compose file of 900 services, as a generator writes it."""
    service = (
        "  s{0}:\n    <<: *common\n    image: app:{0}\n    environment: {{A: '{0}', B: x}}\n    ports: [80, 443]\n"
    )
    head = "x: &common {restart: always, logging: {driver: json-file}}\nservices:\n"
    return (head + "".join(service.format(number) for number in range(SERVICES))).encode()


def parsed_alone(data: bytes) -> tuple[float, float]:
    """Seconds of processor and MiB, in a process of its own: the memory is the parser's alone."""
    done = subprocess.run([sys.executable, "-c", PARSE], input=data, capture_output=True, check=True, cwd=PROJECT)
    seconds, mib = json.loads(done.stdout)
    return seconds, mib


@case(
    f"{len(HOSTILE)} files that are made to hurt, each refused",
    peer=f"an honest compose file of {SERVICES} services",
    claim="bar of the earlier test: each under 1 s of processor and 100 MiB",
    rounds=3,
    warm_up=False,
)
def _hostile(_: Place) -> Iterator[Sides]:
    def all_of_them() -> Sample:
        measured = [parsed_alone(text.encode()) for text in HOSTILE.values()]
        return {SLOWEST: max(one[0] for one in measured), LARGEST: max(one[1] for one in measured)}

    def the_honest() -> Sample:
        seconds, mib = parsed_alone(honest())
        return {SLOWEST: seconds, LARGEST: mib}

    yield Sides(all_of_them, the_honest)


@case(f"a compose file of {SERVICES} services read, with every place", peer="PyYAML's CSafeLoader, compose() alone")
def _honest(_: Place) -> Iterator[Sides]:
    data = honest()

    def ours() -> Sample:
        began = time.process_time()
        assert parse("f.yaml", data)[1] == ()
        return {PROCESSOR: time.process_time() - began}

    def peer() -> Sample:
        began = time.process_time()
        yaml.compose(data, yaml.CSafeLoader)
        return {PROCESSOR: time.process_time() - began}

    yield Sides(ours, peer)


def read_by_git(standing: Standing, commit: str) -> None:
    """Every file of a commit, by git's two own commands."""
    listed = standing.git("ls-tree", "-r", commit).splitlines()
    ids = "\n".join(line.split()[2] for line in listed)
    argv = ["git", "cat-file", "--batch"]
    subprocess.run(argv, cwd=standing.repo, env=standing.env, input=ids.encode(), capture_output=True, check=True)


@case(
    f"{STACKS} stacks read from a commit and checked against the schema",
    peer="git ls-tree and git cat-file --batch of the same files",
    claim="bar of the earlier test: 0.3 s",
)
def _stacks(place: Place) -> Iterator[Sides]:
    stacks = {f"stacks/s{number}/{name}": STACK for number in range(STACKS) for name in ("compose.yaml", ".env")}
    standing = repository(place, "stacks", {**GOOD, **stacks})
    assert len(load(standing.repo).stacks) == STACKS + 1
    yield Sides(lambda: clock(lambda: load(standing.repo)), lambda: clock(lambda: read_by_git(standing, "HEAD")))


@case(
    "a tree that unfolds to 10^10 files, refused",
    peer="git ls-tree and git cat-file --batch of 5,000 honest files",
    claim="bar of the earlier test: 10 s",
)
def _bomb(place: Place) -> Iterator[Sides]:
    standing = repository(place, "bomb", {f"stacks/s{number}/f": str(number) for number in range(5000)})
    bomb = make_bomb(standing)
    found = git.find(standing.repo)

    def ours() -> Sample:
        def read() -> None:
            assert git.read(found, bomb).problems

        return clock(read)

    yield Sides(ours, lambda: clock(lambda: read_by_git(standing, "HEAD")))


def make_bomb(standing: Standing) -> str:
    """A commit with ten levels of ten times the same tree: eleven objects."""

    def made(line: str) -> str:
        return _piped(standing.repo, standing.env, ["git", "mktree"], line + "\n")

    blob = _piped(standing.repo, standing.env, ["git", "hash-object", "-w", "--stdin"], "x")
    tree = made(f"100644 blob {blob}\tf")
    for _ in range(10):
        tree = made("\n".join(f"040000 tree {tree}\td{number}" for number in range(10)))
    top = made(f"040000 tree {tree}\tstacks")
    return standing.git("commit-tree", top, "-m", "bomb")


def _piped(folder: Path, env: dict[str, str], argv: list[str], text: str) -> str:
    done = subprocess.run(argv, cwd=folder, env=env, input=text, capture_output=True, text=True, check=True)
    return done.stdout.strip()
