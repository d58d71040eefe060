"""What cases stand on: Docker's client, an engine, and the cluster that is made once for all of them."""

from __future__ import annotations

import os
import shutil
from contextlib import contextmanager
from typing import TYPE_CHECKING, Final

from deployer.compose import tools
from deployer.errors import DeployerError
from deployer.sandbox.engine import engine_missing_reason
from tests.bench.cases import MissingError, Resource
from tests.bench.timing import run
from tests.e2e.cluster import Cluster
from tests.e2e.standing import Standing

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from deployer.compose.tools import Tools
    from tests.bench.cases import Place
    from tests.bench.figures import Sample


@contextmanager
def _client(_: Place) -> Iterator[Tools]:
    try:
        yield tools.find()
    except DeployerError as error:
        raise MissingError(f"no docker client: {error.message}") from error


@contextmanager
def _program(_: Place) -> Iterator[str]:
    found = shutil.which("ssh")
    if found is None:
        raise MissingError("no ssh client on the path")
    yield found


@contextmanager
def _engine(_: Place) -> Iterator[None]:
    if reason := engine_missing_reason():
        raise MissingError(reason)
    yield


class Bench(Standing):
    """A sandbox of this run's own; its name says so."""

    def __init__(self, kind: str, folder: Path) -> None:
        super().__init__(kind, folder)
        self.name = sandbox_name(kind)


class BenchCluster(Cluster):
    """The project's example: four machines, two stacks."""

    def __init__(self, kind: str, folder: Path) -> None:
        super().__init__(kind, folder)
        self.name = sandbox_name(kind)


def sandbox_name(kind: str) -> str:
    return f"bench-{kind}-{os.getpid()}"


@contextmanager
def _cluster(place: Place) -> Iterator[Cluster]:
    place.get(ENGINE)
    place.get(CLIENT)
    place.get(SSH)
    made = BenchCluster("cluster", place.new_folder("cluster"))
    with made.machines("Four machines, two stacks", engine=True):
        made.apply()
        yield made


@contextmanager
def _socket(place: Place) -> Iterator[Path]:
    """The manager's engine at a socket here, through one SSH connection that stays open."""
    with place.get(CLUSTER).engine_socket("master", place.new_folder("socket")) as local:
        yield local


CLIENT: Final = Resource("docker's client with compose", _client)
SSH: Final = Resource("ssh", _program)
ENGINE: Final = Resource("a Docker engine", _engine)
CLUSTER: Final = Resource("the cluster", _cluster, on=(ENGINE, CLIENT, SSH))
SOCKET: Final = Resource("its engine at a forwarded socket", _socket, on=(CLUSTER,))


def deployer(standing: Standing, *argv: str, codes: tuple[int, ...] = (0,)) -> Sample:
    """What `deployer ARGV` takes in that repository."""
    return run([*standing.argv, *argv], cwd=standing.repo, env=standing.env, codes=codes).sample


def repository(place: Place, kind: str, files: dict[str, str]) -> Standing:
    """A repository with these files in its first commit, and no machine that exists."""
    standing = Bench(kind, place.new_folder(kind))
    standing.git("init", "--quiet", "--initial-branch=main")
    write(standing.repo, files)
    standing.commit("The first")
    return standing


def write(folder: Path, files: dict[str, str]) -> None:
    for name, text in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text, "utf-8")
