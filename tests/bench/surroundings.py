"""What cases stand on: Docker's client, an engine, and the cluster that is made once for all of them."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Final

from deployer.compose import tools
from deployer.errors import DeployerError
from deployer.sandbox.engine import engine_missing_reason
from tests.bench.cases import MissingError, Resource
from tests.bench.machine import PROJECT
from tests.bench.timing import run
from tests.e2e.standing import Standing, until

if TYPE_CHECKING:
    from collections.abc import Iterator

    from deployer.compose.tools import Tools
    from tests.bench.cases import Place
    from tests.bench.figures import Sample

NAME: Final = f"bench-{os.getpid()}"
"""What the sandboxes of this run begin with."""


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


@contextmanager
def sandbox(standing: Standing, *options: str) -> Iterator[Standing]:
    """The machines of a sandbox, and nothing of them afterwards."""
    if reason := engine_missing_reason():
        raise MissingError(reason)
    try:
        made = standing.deployer("sandbox", "up", "--name", standing.name, *options)
        assert made.returncode == 0, made.stdout + made.stderr
        yield standing
    finally:
        standing.deployer("sandbox", "down", "--name", standing.name)


def example(place: Place, name: str) -> Standing:
    """A repository with the project's own example: four machines, two stacks."""
    home = place.new_folder(name)
    standing = Standing(name, home / "repo", home / "xdg")
    for folder in ("cluster", "stacks"):
        shutil.copytree(PROJECT / folder, standing.repo / folder)
    standing.git("init", "--quiet", "--initial-branch=main")
    return standing


@contextmanager
def _cluster(place: Place) -> Iterator[Standing]:
    place.get(ENGINE)
    place.get(CLIENT)
    place.get(SSH)
    standing = example(place, NAME)
    with sandbox(standing, "--repo", "."):
        standing.commit("Four machines, two stacks")
        applied = standing.deployer("apply")
        assert applied.returncode == 0, applied.stdout + applied.stderr
        yield standing


@contextmanager
def _socket(place: Place) -> Iterator[Path]:
    """The manager's engine at a socket here, through one SSH connection that stays open."""
    cluster = place.get(CLUSTER)
    local = place.new_folder("socket") / "s"
    with forwarded(cluster, "master", local):
        yield local


@contextmanager
def forwarded(cluster: Standing, machine: str, local: Path) -> Iterator[None]:
    argv = [*ssh(cluster), "-N", "-L", f"{local}:/var/run/docker.sock", f"root@{cluster.address(machine)}"]
    with subprocess.Popen(argv, stdin=subprocess.DEVNULL) as tunnel:
        try:
            assert until(local.exists, 60), f"ssh made no socket within 60 s; its exit code is {tunnel.poll()}"
            yield
        finally:
            tunnel.terminate()


CLIENT: Final = Resource("docker's client with compose", _client)
SSH: Final = Resource("ssh", _program)
ENGINE: Final = Resource("a Docker engine", _engine)
CLUSTER: Final = Resource("the cluster", _cluster, on=(ENGINE, CLIENT, SSH))
SOCKET: Final = Resource("its engine at a forwarded socket", _socket, on=(CLUSTER,))


def key(cluster: Standing) -> str:
    """The private key that the sandbox wrote into the repository's own file."""
    found = re.search(r"identity_file: ([^\s},]+)", (cluster.repo / "cluster/cluster.yaml").read_text())
    assert found, "cluster.yaml names no identity_file"
    return str(Path(found[1]).expanduser())


def ssh(cluster: Standing) -> list[str]:
    """OpenSSH's client as it reaches that cluster's machines, without anybody's configuration."""
    known = cluster.repo / "cluster/known_hosts"
    return [
        "ssh", "-F", "none", "-i", key(cluster), "-o", "BatchMode=yes", "-o", f"UserKnownHostsFile={known}"
    ]  # fmt: skip


def deployer(standing: Standing, *argv: str, codes: tuple[int, ...] = (0,)) -> Sample:
    """What `deployer ARGV` takes in that repository."""
    return run([*standing.argv, *argv], cwd=standing.repo, env=standing.env, codes=codes).sample


def repository(place: Place, name: str, files: dict[str, str]) -> Standing:
    """A repository with these files in its first commit, and no machine that exists."""
    home = place.new_folder(name)
    standing = Standing(name, home / "repo", home / "xdg")
    standing.git("init", "--quiet", "--initial-branch=main")
    write(standing.repo, files)
    standing.commit("The first")
    return standing


def write(folder: Path, files: dict[str, str]) -> None:
    for name, text in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text, "utf-8")
