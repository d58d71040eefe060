"""Docker's own client in a cage, for what compiles nothing and asks a real engine: `compose up`, and builds.

It reads files that others wrote. It has a private folder, the one engine that it is for, and the credentials for the registries that
it is to ask; nothing else of whoever runs it.
"""

from __future__ import annotations

import contextlib
import json
import os
import shutil
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from deployer.cage.children import caged_call
from deployer.cage.rules import DOCKER_PLUGINS, GIB, Limits, Rules
from deployer.errors import DeployerError
from deployer.user_files import create_private

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

LIMITS: Final = Limits(seconds=7200, cpu=3600, memory=4 * GIB, file=8 * GIB)
"""A build may take its time; what takes longer hangs."""
PROCESSES: Final = 64
"""The client's plugins."""


@contextlib.contextmanager
def caged_docker(
    folder: Path, socket: str, auths: Mapping[str, Any], variables: Mapping[str, str], output: Path | None = None
) -> Iterator[list[str]]:
    """The beginning of a command line, for python-on-whales: `client_call`. DeployerError where there is no client here.

    `folder` is private to this call, and all that the client may write. `auths` are as in Docker's config file.
    """
    own = Path(
        os.environ.get("DOCKER_CONFIG") or Path(os.environ.get("HOME") or "/nonexistent", ".docker"), "cli-plugins"
    )
    settings = folder / "docker"
    for made in (settings, folder / "tmp"):
        made.mkdir(mode=0o700)
    config = {"auths": dict(auths), "cliPluginsExtraDirs": [str(own)]}
    create_private(settings / "config.json", json.dumps(config).encode())
    environment = {
        "HOME": str(folder),
        "TMPDIR": str(folder / "tmp"),
        "DOCKER_CONFIG": str(settings),
        "BUILDX_CONFIG": str(folder / "tmp"),
        "DOCKER_CLI_HINTS": "false",
        **variables,
    }
    rules = Rules(run=(*DOCKER_PLUGINS, own), write=(folder,), sockets=(socket,), processes=PROCESSES, limits=LIMITS)
    with caged_call(folder, [_program()], rules, environment, output) as call:
        yield call


def _program() -> str:
    found = shutil.which("docker")
    if found is None:
        raise DeployerError("docker's client is not installed here", help="install docker-cli and docker-compose")
    return str(Path(found).resolve())
