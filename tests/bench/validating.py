"""Stacks through Docker's own converter: cold, out of the cache, and as a commit hook does it."""

from __future__ import annotations

import os
import shutil
import sys
from dataclasses import replace
from importlib.util import find_spec
from itertools import count
from typing import TYPE_CHECKING, Final

import msgspec

from deployer.compose import compile_stacks
from deployer.compose.cache import open_cache
from deployer.compose.outcome import Outcome
from tests.bench.cases import MissingError, Sides, case
from tests.bench.starting import BARE
from tests.bench.surroundings import CLIENT, deployer, repository, write
from tests.bench.timing import clock, spend
from tests.compose.conftest import stack_of
from tests.compose.test_cache import objects_of
from tests.source.conftest import GOOD

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.bench.cases import Place
    from tests.bench.figures import Sample
    from tests.e2e.standing import Standing

STACKS: Final = 200
NAMES: Final = ("web", "api", "db", "cache", "worker")
CORES: Final = len(os.sched_getaffinity(0))
HOOKS: Final = """\
repos:
  - repo: local
    hooks:
      - id: validate
        name: validate
        entry: {entry}
        language: system
        files: ^(cluster|stacks)/
        pass_filenames: false
"""


def compose(number: int) -> str:
    """A stack of five services, which start no task."""
    services = "".join(f"  {name}: {{<<: *base, command: [redis-server, --port, '{number}']}}\n" for name in NAMES)
    base = (
        "x-base: &base\n  image: redis:7\n  environment: {MODE: production, LEVEL: info}\n  volumes: ['data:/data']\n"
        "  deploy: {replicas: 0, labels: {team: a}, resources: {limits: {memory: 64M}}}\n"
    )
    return f"version: '3.8'\n{base}services:\n{services}volumes:\n  data:\n"


def many(stacks: int) -> dict[str, str]:
    return {f"stacks/many{number:03}/compose.yaml": compose(number) for number in range(stacks)}


def cold(place: Place, stacks: int) -> Sides:
    standing = repository(place, "cold", {**GOOD, **many(stacks)})
    files = "\n".join(str(path) for path in sorted(standing.repo.glob("stacks/*/compose.yaml")))
    (standing.repo.parent / "files").write_text(files)
    loop = f"xargs -a {standing.repo.parent}/files -P {CORES} -n 1 -I @ docker compose -f @ config -q"

    def ours() -> Sample:
        shutil.rmtree(standing.repo.parent / "xdg/cache", ignore_errors=True)
        return deployer(standing, "validate", "--quiet")

    return Sides(ours, lambda: spend(["sh", "-c", loop], cwd=standing.repo, env=standing.env))


ONE_A_CORE: Final = "`docker compose config -q` of each file, one a core at a time"


@case(f"{STACKS} stacks of 5 services validated cold", peer=ONE_A_CORE, needs=(CLIENT,), rounds=3, warm_up=False,
      claim="issue 4: at most 1.2 times as long as docker's own two programs")  # fmt: skip
def _cold(place: Place) -> Iterator[Sides]:
    yield cold(place, STACKS)


@case("500 stacks of 5 services validated cold", peer=ONE_A_CORE, needs=(CLIENT,), rounds=1, warm_up=False,
      claim="closing note: 19.3 s")  # fmt: skip
def _cold_and_more(place: Place) -> Iterator[Sides]:
    yield cold(place, 500)


@case(f"{STACKS} stacks of 5 services validated again, nothing changed", peer=BARE, needs=(CLIENT,))
def _warm(place: Place) -> Iterator[Sides]:
    standing = repository(place, "warm", {**GOOD, **many(STACKS)})
    yield Sides(lambda: deployer(standing, "validate", "--quiet"), lambda: bare(standing))


@case(
    f"{STACKS} compiled stacks out of the cache",
    peer="the cache's files read and decoded as JSON",
    claim="bar of the earlier test: 0.15 s",
    needs=(CLIENT,),
)
def _cache(place: Place) -> Iterator[Sides]:
    folder = place.new_folder("cache")
    stacks = [
        stack_of(f"s{number}", compose=f"services: {{web: {{image: 'app:{number}'}}}}") for number in range(STACKS)
    ]
    kept = open_cache(folder, place.get(CLIENT).identity)
    for one in stacks:
        body = objects_of(one.name)
        kept.store(one, Outcome(replace(body, services=body.services * 5), ()))

    def ours() -> None:
        assert len(compile_stacks(stacks, cache=folder).objects) == STACKS

    def peer() -> None:
        entries = [path for path in folder.iterdir() if path.name != "pruned"]
        assert len([msgspec.json.decode(path.read_bytes()) for path in entries]) == STACKS

    yield Sides(lambda: clock(ours), lambda: clock(peer))


def bare(standing: Standing) -> Sample:
    return spend([sys.executable, "-c", "pass"], cwd=standing.repo, env=standing.env)


def staged(standing: Standing, text: str) -> None:
    write(standing.repo, {"stacks/web/compose.yaml": text})
    standing.git("add", "--all")


@case(
    "validate --staged, one changed stack that was compiled before",
    peer=BARE,
    needs=(CLIENT,),
    rounds=10,
    claim="closing note: 0.19 s",
)
def _staged(place: Place) -> Iterator[Sides]:
    standing = repository(place, "staged", GOOD)
    staged(standing, compose(1))
    yield Sides(lambda: deployer(standing, "validate", "--staged", "--quiet"), lambda: bare(standing))


@case("validate --staged, one changed stack that is new", peer="`docker compose config -q` of it", needs=(CLIENT,))
def _staged_anew(place: Place) -> Iterator[Sides]:
    standing = repository(place, "anew", GOOD)
    numbers = count(1)

    def ours() -> Sample:
        staged(standing, compose(next(numbers)))
        return deployer(standing, "validate", "--staged", "--quiet")

    config = ["docker", "compose", "-f", "stacks/web/compose.yaml", "config", "-q"]
    yield Sides(ours, lambda: spend(config, cwd=standing.repo, env=standing.env))


@case(
    "a commit hook by pre-commit, one changed stack that was compiled before",
    peer="the same with a hook that does nothing (`true`)",
    claim="issue 5: under 0.25 s more than the framework's own 0.33 s",
    needs=(CLIENT,),
)
def _hook(place: Place) -> Iterator[Sides]:
    if find_spec("pre_commit") is None:
        raise MissingError("pre-commit is not installed")
    standing = repository(place, "hook", GOOD)
    standing.env["PRE_COMMIT_HOME"] = str(standing.repo.parent / "pre-commit")
    staged(standing, compose(1))

    def hook(name: str) -> Sample:
        return spend([sys.executable, "-m", "pre_commit", "run", "--config", name], cwd=standing.repo, env=standing.env)

    write(standing.repo, {".ours.yaml": HOOKS.format(entry=f"{sys.executable} -m deployer validate --staged")})
    write(standing.repo, {".nothing.yaml": HOOKS.format(entry="'true'")})
    standing.git("add", "--all")
    yield Sides(lambda: hook(".ours.yaml"), lambda: hook(".nothing.yaml"))
