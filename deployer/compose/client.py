"""`docker compose config` and `docker stack deploy`, run in a cage and an empty environment, on files that we wrote.

They read nothing but the stack's private folder; `config` has no network at all, `deploy` the recorder's socket. Nothing of whoever
deploys reaches them, not even HOME and PATH; and nothing of the stack's `.env`, whose variables could switch on what
compose can do: they are filled in before. Not by python-on-whales, which runs compose where containers are made (execute/projects.py,
images.py): it hands on os.environ,
loses the warnings of `config`, lets `stack deploy` write to our standard output, and its import takes longer than both tools.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from deployer.cage.children import run_caged
from deployer.cage.rules import Limits, Rules
from deployer.errors import DeployerError, TimedOutError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from deployer.compose.tools import Tools

LIMITS: Final = Limits(seconds=60, cpu=60)
"""For one run of a tool; the usual run takes 0.1 s, and 30 MiB."""

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
        out, err = self._run("docker compose config", project, self.tools.compose.path, argv, environment=_PLUGIN)
        made: dict[str, Any] = json.loads(out)
        return made, err

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
        return "".join(self._run("docker stack deploy", stack, self.tools.docker.path, argv, sockets=(socket,)))

    def _run(
        self,
        what: str,
        stack: str,
        program: str,
        argv: Sequence[str],
        *,
        sockets: tuple[Path, ...] = (),
        environment: Mapping[str, str] = _NOTHING,
    ) -> tuple[str, str]:
        """What it wrote to both of its streams."""
        configuration = self.folder / "config"
        configuration.mkdir(mode=0o700, exist_ok=True)
        ended = run_caged(
            [program, "--config", str(configuration), *argv],
            rules=Rules(read=(self.folder,), sockets=sockets, limits=LIMITS),
            environment=environment,
        )
        out, err = (stream.decode(errors="replace") for stream in (ended.out, ended.err))
        if ended.code == 0:
            return out, err
        if ended.beyond:
            kind = TimedOutError if ended.beyond.endswith(" s") else DeployerError
            raise kind(
                f"{what} needs more than {ended.beyond} for stack {stack}", help="try the same file with docker by hand"
            )
        if not f"{out}{err}".strip():
            raise DeployerError(
                f"{what} ended with exit code {ended.code} for stack {stack}, and said nothing", help="try it by hand"
            )
        raise ToolFailedError(f"{out}{err}")
