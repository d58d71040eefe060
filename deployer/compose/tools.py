"""Where the docker CLI and its compose plugin are, and what tells one version of them from another."""

from __future__ import annotations

import os
import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from deployer.cage.rules import DOCKER_PLUGINS
from deployer.errors import DeployerError

PLUGIN_FOLDERS: Final = DOCKER_PLUGINS

_INSTALL: Final = "install Docker's CLI with its compose plugin (Debian: docker-cli and docker-compose; Docker: docker-compose-plugin)"


@dataclass(frozen=True)
class Tool:
    """A program, by its resolved path; size and time of change stand for its version, so that none has to be started."""

    path: str
    size: int
    mtime_ns: int

    @property
    def identity(self) -> str:
        return f"{self.path} {self.size} {self.mtime_ns}"


@dataclass(frozen=True)
class Tools:
    docker: Tool
    compose: Tool

    @property
    def identity(self) -> str:
        return f"{self.docker.identity}\n{self.compose.identity}"


def find() -> Tools:
    """Both tools as the docker CLI itself would find them, by PATH, DOCKER_CONFIG and HOME; `DeployerError` where one is missing."""
    docker = shutil.which("docker")
    if docker is None:
        raise DeployerError("the docker CLI is not installed: it compiles the stacks", help=_INSTALL)
    for folder in (_own_folder(), *PLUGIN_FOLDERS):
        plugin = shutil.which("docker-compose", path=str(folder))
        if plugin is not None:
            return Tools(_tool(docker), _tool(plugin))
    raise DeployerError("the docker CLI has no compose plugin: it reads the compose files", help=_INSTALL)


def _own_folder() -> Path:
    return Path(
        os.environ.get("DOCKER_CONFIG") or Path(os.environ.get("HOME") or "/nonexistent", ".docker"), "cli-plugins"
    )


def _tool(found: str) -> Tool:
    path = Path(found).resolve()
    status = path.stat()
    return Tool(str(path), status.st_size, status.st_mtime_ns)
