"""`docker compose config` and `docker stack deploy`, run by python-on-whales in an empty environment.

python-on-whales hands os.environ to what it runs, loses the warnings of `config`, and lets `stack deploy` write to our
standard output. So its `client_call` is a chain of small programs: `sh` sends the output to a file, `timeout` ends what
hangs, `env -i` empties the environment. Nothing of whoever deploys reaches the interpolation of `${...}` (FAULTS.md,
S-02), not even HOME and PATH: only the stack's own `.env` does.
"""

from __future__ import annotations

import shutil
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from python_on_whales import DockerClient
from python_on_whales.exceptions import DockerException

from deployer.errors import DeployerError, TimedOutError

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from deployer.compose.tools import Tools

SECONDS: Final = 60
"""For one run of a tool; the usual run takes 0.1 s."""

# Constant scripts: what they run and where its output goes are arguments.
# From "/": newer compose plugins offer the working directory to interpolation as ${PWD}.
_KEEP_STDOUT: Final = 'umask 077; cd /; log=$1; shift; exec "$@" </dev/null 2>"$log"'
_LOG_ALL: Final = 'umask 077; cd /; log=$1; shift; exec "$@" </dev/null >"$log" 2>&1'
_TIMED_OUT: Final = frozenset({124, 137})
_PLUGIN: Final = "DOCKER_CLI_PLUGIN_ORIGINAL_CLI_COMMAND=docker"
"""By which the compose plugin knows that it runs as `docker compose` (docker/cli, cli-plugins/plugin): starting it
directly saves two of three processes, 0.04 s instead of 0.12 s."""


class ToolFailedError(Exception):
    """A tool ended with an error. `said` is what it wrote; it may quote the user's files: translate, do not print."""

    def __init__(self, said: str) -> None:
        super().__init__("a tool failed")
        self.said = said


@dataclass(frozen=True)
class Client:
    """Runs the two tools; `folder` is a private directory for their logs and their (empty) configuration."""

    tools: Tools
    folder: Path

    def config(self, files: Sequence[Path], *, project: str, directory: Path) -> tuple[dict[str, Any], str]:
        """The normalised file as `docker compose config` prints it, and what it wrote to standard error."""
        log = self.folder / "config.log"
        call = _call(_KEEP_STDOUT, log, self.tools.compose.path, _PLUGIN)
        client = DockerClient(
            client_call=call,
            config=self._configuration(),
            compose_files=[str(file) for file in files],
            compose_project_name=project,
            compose_project_directory=str(directory),
        )
        try:
            return client.compose.config(return_json=True), _read(log)
        except DockerException as error:
            raise _failure("docker compose config", error.return_code, log) from None

    def deploy(self, file: Path, *, stack: str, socket: Path) -> str:
        """Deploys to the engine at `socket`; what it wrote."""
        log = self.folder / "deploy.log"
        call = _call(_LOG_ALL, log, self.tools.docker.path)
        client = DockerClient(client_call=call, config=self._configuration(), host=f"unix://{socket}")
        try:
            client.stack.deploy(stack, compose_files=[str(file)], resolve_image="never")
        except DockerException as error:
            raise _failure("docker stack deploy", error.return_code, log) from None
        return _read(log)

    def _configuration(self) -> str:
        folder = self.folder / "config"
        folder.mkdir(mode=0o700, exist_ok=True)
        return str(folder)


def _call(script: str, log: Path, program: str, *environment: str) -> list[str]:
    timeout = shutil.which("timeout")
    # In the foreground: Ctrl-C reaches the tool as well.
    limit = [timeout, "--foreground", "--kill-after=2", str(SECONDS)] if timeout else []
    return ["/bin/sh", "-c", script, "deployer", str(log), *limit, "/usr/bin/env", "-i", *environment, program]


def _failure(what: str, status: int, log: Path) -> Exception:
    if status in _TIMED_OUT:
        return TimedOutError(f"{what} did not end within {SECONDS} s", help="try the same file with docker by hand")
    said = _read(log)
    if not said.strip():
        return DeployerError(f"{what} ended with exit code {status} and said nothing", help="try it by hand")
    return ToolFailedError(said)


def _read(log: Path) -> str:
    return log.read_text(errors="replace") if log.exists() else ""
