"""`docker compose config` and `docker stack deploy`, run in an empty environment, on files that we wrote.

Nothing of whoever deploys reaches them (FAULTS.md, S-02), not even HOME and PATH; and nothing of the stack's `.env`, whose
variables could switch on what compose can do: they are filled in before. Not by python-on-whales, which runs compose where containers are made (execute/projects.py, builds.py): it hands on os.environ,
loses the warnings of `config`, lets `stack deploy` write to our standard output, and its import takes longer than both tools.
"""

from __future__ import annotations

import json
import subprocess
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from deployer.errors import DeployerError, TimedOutError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from deployer.compose.tools import Tools

SECONDS: Final = 60
"""For one run of a tool; the usual run takes 0.1 s."""

_PLUGIN: Final = {"DOCKER_CLI_PLUGIN_ORIGINAL_CLI_COMMAND": "docker"}
"""By which the compose plugin knows that it runs as `docker compose` (docker/cli, cli-plugins/plugin): starting it
directly saves two of three processes, 0.04 s instead of 0.12 s."""
_NOTHING: Final[Mapping[str, str]] = {}


class ToolFailedError(Exception):
    """A tool ended with an error. `said` is what it wrote; it may quote the user's files: translate, do not print."""

    def __init__(self, said: str) -> None:
        super().__init__("a tool failed")
        self.said = said


@dataclass(frozen=True)
class Client:
    """Runs the two tools; `folder` is a private directory for their (empty) configuration."""

    tools: Tools
    folder: Path

    def config(
        self, files: Sequence[Path], *, project: str, directory: Path, profiles: Sequence[str] = ()
    ) -> tuple[dict[str, Any], str]:
        """The normalised file as `docker compose config` prints it, and what it wrote to standard error."""
        named = [part for file in files for part in ("--file", str(file))]
        where = ["--project-name", project, "--project-directory", str(directory)]
        chosen = [f"--profile={profile}" for profile in profiles]
        argv = ["compose", *named, *where, *chosen, "config", "--format", "json"]
        done = self._run("docker compose config", self.tools.compose.path, argv, _PLUGIN)
        made: dict[str, Any] = json.loads(done.stdout)
        return made, done.stderr

    def deploy(self, file: Path, *, stack: str, socket: Path) -> str:
        """Deploys to the engine at `socket`; what it wrote."""
        argv = [
            "--host",
            f"unix://{socket}",
            "stack",
            "deploy",
            "--compose-file",
            str(file),
            "--resolve-image",
            "never",
            "--",
            stack,
        ]
        done = self._run("docker stack deploy", self.tools.docker.path, argv)
        return done.stdout + done.stderr

    def _run(
        self, what: str, program: str, argv: Sequence[str], environment: Mapping[str, str] = _NOTHING
    ) -> subprocess.CompletedProcess[str]:
        configuration = self.folder / "config"
        configuration.mkdir(mode=0o700, exist_ok=True)
        try:
            done = subprocess.run(
                [program, "--config", str(configuration), *argv],
                env=dict(environment),
                cwd="/",  # newer compose plugins offer the working directory to interpolation as ${PWD}
                stdin=subprocess.DEVNULL,
                capture_output=True,
                encoding="utf-8",
                errors="replace",
                timeout=SECONDS,
                check=False,
            )
        except subprocess.TimeoutExpired:
            raise TimedOutError(
                f"{what} did not end within {SECONDS} s", help="try the same file with docker by hand"
            ) from None
        if done.returncode == 0:
            return done
        said = f"{done.stdout}{done.stderr}"
        if not said.strip():
            raise DeployerError(
                f"{what} ended with exit code {done.returncode} and said nothing", help="try it by hand"
            )
        raise ToolFailedError(said)
