"""Stacks in compose mode: `docker compose` of this machine at that machine's engine, by python-on-whales.

Nothing of whoever deploys reaches the file: its variables are filled in already, and the program that reads it is in a cage with
that engine alone. The secrets that it takes from the environment come over a socket, and are in no argument and on no disk.
"""

from __future__ import annotations

import asyncio
import shutil
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from python_on_whales import DockerClient
from python_on_whales.exceptions import DockerException

from deployer.cage.switch import unconfined
from deployer.docker import segment
from deployer.docker.caged import caged_docker
from deployer.docker.engine import SOCKET
from deployer.docker.frames import log_lines
from deployer.errors import DeployerError
from deployer.execute.converge import NotConvergedError
from deployer.execute.world import PAUSE_SECONDS
from deployer.model import labels
from deployer.model.amounts import plural
from deployer.model.printable import printable
from deployer.model.project import PROJECT, SERVICE
from deployer.plan.projects import ComposeDown, ComposeUp
from deployer.remote.clock import read_clock
from deployer.remote.forward import forwarded
from deployer.user_files import create_private, folder_in_memory

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from deployer.docker import Engine
    from deployer.execute.world import World
    from deployer.model.project import Project
    from deployer.plan.projects import ProjectOperation

    Json = Mapping[str, Any]


LINES: Final = 10
STEADY_SECONDS: Final = 1.0
"""A program that ends at once is `running` for a moment, too."""
ENDED_WELL: Final = frozenset({"no", "on-failure", ""})
"""Restart policies with which a container that ended with 0 has done what it was to do."""


async def perform(operation: ProjectOperation, world: World, tell: Callable[[str], None]) -> str:
    """Do it; a few words on the result. Raises DeployerError with the reason where it cannot be done."""
    match operation:
        case ComposeUp():
            done = await compose_up(world, operation, tell)
        case ComposeDown():
            done = await compose_down(world, operation)
    return done


async def compose_up(world: World, operation: ComposeUp, tell: Callable[[str], None]) -> str:
    """`docker compose up --detach --remove-orphans`, then wait until every container runs and is healthy, or has ended with 0."""
    engine = await world.engine(operation.machine)
    await _refuse_foreign(engine, operation.project)
    connection = await world.link.to(operation.machine)
    auths = await world.credentials.of(
        sorted({service.image for service in operation.project.services if service.image})
    )
    async with forwarded(connection, SOCKET) as socket:
        tell(f"docker compose up on {operation.machine}")
        await asyncio.to_thread(_run_compose, socket, operation.project, auths)
        if note := unconfined():
            tell(note)
    began = read_clock()
    told, well_since = "", 0.0
    while not world.stopping.is_set():
        states = [await _state(engine, entry) for entry in await _list(engine, operation.project.stack)]
        line, late, failed = _judge(operation.project, states)
        if failed:
            raise NotConvergedError("; ".join(failed), await _last_words(engine, states))
        well_since = (well_since or read_clock()) if not late else 0.0
        if well_since and read_clock() - well_since >= STEADY_SECONDS:
            return line
        if late and read_clock() - began > operation.timeout:
            late_words = f"not running after {operation.timeout:g} s: {', '.join(late)}"
            raise NotConvergedError(late_words, await _last_words(engine, states))
        if line != told:
            told = line
            tell(line)
        await asyncio.sleep(PAUSE_SECONDS)
    raise DeployerError("stopped while waiting")


async def compose_down(world: World, operation: ComposeDown) -> str:
    """Containers and networks of ours with that project's name; volumes stay."""
    engine = await world.engine(operation.machine)
    ours = [f"{labels.CLUSTER}={operation.cluster}", f"{PROJECT}={operation.stack}"]
    found = await engine.get("/containers/json", all=True, filters={"label": ours})
    for entry in found:
        await engine.post_slowly(f"/containers/{segment(entry['Id'])}/stop", {}, 40.0, t=10)
        await engine.delete(f"/containers/{segment(entry['Id'])}", force=True)
    for network in await engine.get("/networks", filters={"label": ours}):
        await engine.delete(f"/networks/{segment(network['Id'])}")
    return f"{plural(len(found), 'container')} removed; volumes stay"


async def _refuse_foreign(engine: Engine, project: Project) -> None:
    """A project of that name which somebody else made would be taken over by compose."""
    for entry in await _list(engine, project.stack):
        if labels.CLUSTER not in entry["Labels"]:
            name = str((entry.get("Names") or ["?"])[0]).lstrip("/")
            raise DeployerError(
                f"a compose project {project.stack} is there that is not this cluster's (container {printable(name)})",
                help=f"remove it there: docker compose -p {project.stack} down; or give the stack another name",
            )


async def _list(engine: Engine, stack: str) -> list[Json]:
    found: list[Json] = await engine.get("/containers/json", all=True, filters={"label": [f"{PROJECT}={stack}"]})
    return found


async def _state(engine: Engine, entry: Json) -> Json:
    told: Json = await engine.get(f"/containers/{segment(entry['Id'])}/json")
    return told


def _judge(project: Project, states: Sequence[Json]) -> tuple[str, list[str], list[str]]:
    """(how far it is, services that are not there yet, services that will not be) from `/containers/ID/json`."""
    words, late, failed = [], [], []
    for service in project.services:
        mine = [told for told in states if told["Config"]["Labels"].get(SERVICE) == service.name]
        well = sum(_well(told) for told in mine)
        words.append(f"{service.name} {well}/{service.count}")
        if well < service.count:
            late.append(words[-1])
        failed += [f"{service.name}: {why}" for told in mine if (why := _trouble(told))][:1]
    return ", ".join(words), late, failed


def _well(told: Json) -> bool:
    state = told["State"]
    if state["Status"] == "running":
        return str((state.get("Health") or {}).get("Status", "healthy")) == "healthy"
    return bool(state["Status"] == "exited" and state["ExitCode"] == 0 and _policy(told) in ENDED_WELL)


def _trouble(told: Json) -> str:
    """Why waiting longer is of no use; empty where it may be."""
    state = told["State"]
    if (state.get("Health") or {}).get("Status") == "unhealthy":
        return "its health check fails"
    if state["Status"] in {"exited", "dead"} and not _well(told) and _policy(told) in {"no", ""}:
        return f"it ended with exit code {state['ExitCode']}"
    if int(told.get("RestartCount") or 0) >= 3:
        return f"it ended {told['RestartCount']} times, with exit code {state['ExitCode']} at last"
    return ""


def _policy(told: Json) -> str:
    return str((told["HostConfig"].get("RestartPolicy") or {}).get("Name") or "")


async def _last_words(engine: Engine, states: Sequence[Json]) -> list[str]:
    said: list[str] = []
    for told in states:
        if not _well(told):
            raw = await engine.raw(f"/containers/{segment(told['Id'])}/logs", stdout=True, stderr=True, tail=str(LINES))
            name = told["Name"].lstrip("/")
            said += [f"{name} | {line}" for line in log_lines(raw)[-LINES:]]
            probes = (told["State"].get("Health") or {}).get("Log") or []
            checked = (
                f"exit code {probes[-1]['ExitCode']} {str(probes[-1].get('Output') or '').strip()}" if probes else ""
            )
            said += [f"{name} health check: {line}" for line in checked.splitlines()[:3]]
    return said


def _run_compose(socket: str, project: Project, auths: Mapping[str, Any]) -> None:
    """Raises DeployerError with compose's own last words."""
    folder = Path(tempfile.mkdtemp(prefix="deployer-", dir=folder_in_memory()))
    secrets = {name: secret.reveal() for name, secret in project.environment.items()}
    try:
        file, log = folder / "compose.json", folder / "log"
        create_private(file, project.file.replace("$", "$$").encode())  # nothing is to be filled in any more
        with caged_docker(folder, socket, auths, secrets, log) as call:
            client = DockerClient(
                client_call=call,
                host=f"unix://{socket}",
                compose_files=[str(file)],
                compose_project_name=project.stack,
                compose_project_directory=str(folder),
            )
            client.compose.up(detach=True, remove_orphans=True, quiet=True)
    except DockerException as error:
        written = log.read_text(errors="replace") if log.exists() else error.stderr or ""
        said = [line.strip() for line in written.splitlines() if line.strip()]
        raise NotConvergedError(f"docker compose up ended with exit code {error.return_code}", said[-LINES:]) from None
    finally:
        shutil.rmtree(folder, ignore_errors=True)
