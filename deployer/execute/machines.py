"""Steps on machines: engine, daemon.json, swarm, containers of the machine's own, the catalogue.

Each takes the world, its operation and a voice for progress, and returns a few words on the result; what it raises is why it failed.
"""

from __future__ import annotations

import asyncio
import base64
from importlib.resources import files
from typing import TYPE_CHECKING, Final

from deployer.docker import EngineError, segment
from deployer.errors import DeployerError
from deployer.model.command import Command, Completed

if TYPE_CHECKING:
    from collections.abc import Callable

    from deployer.docker import Engine
    from deployer.execute.world import World
    from deployer.plan.operations import (
        InstallEngine,
        UpdateMember,
        WriteDaemonJson,
    )
    from deployer.remote import Connection

INSTALL_SECONDS: Final = 1200.0
RESTART_SECONDS: Final = 120.0
POLL_SECONDS: Final = 0.2
ATTEMPTS: Final = 5
LOG_LINES: Final = 10
REFUSED: Final = 65
REASON: Final = "deployer: "
ADVICE: Final = "deployer-help: "
"""How our scripts end, and say so, where they have looked and begun nothing (apt.sh, refuse)."""

DEBIANS: Final = frozenset({"debian", "ubuntu"})


class CommandFailedError(DeployerError):
    """A command on a machine ended badly; `log` holds its last lines."""

    def __init__(self, what: str, completed: Completed) -> None:
        lines = [line for line in (completed.stderr or completed.stdout).splitlines() if line.strip()]
        super().__init__(f"{what} failed with status {completed.status}" + (f": {lines[-1]}" if lines else ""))
        self.log = tuple(lines[-LOG_LINES:])


async def install_engine(world: World, operation: InstallEngine, tell: Callable[[str], None]) -> str:
    connection = await world.link.to(operation.node)
    release = await connection.run(Command(("sh", "-c", '. /etc/os-release; echo "$ID $ID_LIKE"')))
    if not DEBIANS & set(release.stdout.split()):
        raise DeployerError(
            f"Docker can be installed on Debian and Ubuntu only, and this is {release.stdout.strip() or 'unknown'}",
            help="install it by hand and set engine.install to none",
        )
    said = await scripted(
        connection, script("engine-debian.sh"), (operation.method,), "the installation", INSTALL_SECONDS, tell
    )
    return said.strip().rpartition("\n")[2]


async def scripted(
    connection: Connection,
    text: bytes,
    arguments: tuple[str, ...],
    what: str,
    seconds: float,
    tell: Callable[[str], None] | None = None,
) -> str:
    """Run one of our scripts as root; its standard output. Raises DeployerError, with the script's own reason if it has one."""

    def heard(line: str) -> None:
        if tell and not line.startswith((REASON, ADVICE)):
            tell(line)

    completed = await connection.run(Command(("sh", "-s", *arguments), stdin=text, root=True, timeout=seconds), heard)
    if completed.ok:
        return completed.stdout
    lines = completed.stderr.splitlines()
    reason = next((line.removeprefix(REASON) for line in lines if line.startswith(REASON)), "")
    if completed.status == REFUSED and reason:
        advice = next((line.removeprefix(ADVICE) for line in lines if line.startswith(ADVICE)), "")
        raise DeployerError(reason, help=advice)
    raise CommandFailedError(what, completed)


async def write_daemon_json(world: World, operation: WriteDaemonJson, tell: Callable[[str], None]) -> str:
    connection = await world.link.to(operation.node)
    # The file may hold a proxy's password: it goes by standard input like the script, not by argv.
    text = b"encoded=" + base64.b64encode(operation.text.encode()) + b"\n" + read_script("daemon-json.sh")
    command = Command(("sh", "-s", operation.effect), stdin=text, root=True, timeout=RESTART_SECONDS)
    completed = await connection.run(command, tell)
    if not completed.ok:
        raise CommandFailedError("writing daemon.json", completed)
    return {"none": "", "reload": "reloaded, nothing restarted", "restart": "engine restarted"}[operation.effect]


async def update_member(world: World, operation: UpdateMember, _: Callable[[str], None]) -> str:
    """Read and written again while another writer comes in between (moby#39891)."""
    info = await (await world.engine(operation.node)).get("/info")
    path = f"/nodes/{segment(info['Swarm']['NodeID'])}"

    async def update(manager: Engine) -> str:
        for attempt in range(ATTEMPTS):
            told = await manager.get(path)
            spec = {
                **told["Spec"],
                "Role": operation.role,
                "Availability": operation.availability,
                "Labels": dict(operation.labels),
            }
            try:
                await manager.post(f"{path}/update", spec, version=told["Version"]["Index"])
            except EngineError as error:
                if "out of sequence" not in error.message or attempt == ATTEMPTS - 1:
                    raise
                await asyncio.sleep(POLL_SECONDS)
            else:
                break
        return ""

    return await world.patiently(update)


def script(name: str) -> bytes:
    """A script that uses apt, behind what those have in common."""
    return read_script("apt.sh") + read_script(name)


def read_script(name: str) -> bytes:
    """One of our scripts as it is."""
    return (files("deployer.execute") / "scripts" / name).read_bytes()
