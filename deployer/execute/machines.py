"""Machines: their engine, its daemon.json, and the containers of the cluster's own on them."""

from __future__ import annotations

import base64
from typing import TYPE_CHECKING, Final

from deployer.errors import DeployerError
from deployer.execute.containers import retire_container, run_container
from deployer.execute.script import CommandFailedError, read_script, run_script, script
from deployer.model.command import Command
from deployer.plan.machines import InstallEngine, RetireContainer, RunContainer, WriteDaemonJson

if TYPE_CHECKING:
    from collections.abc import Callable

    from deployer.execute.world import World
    from deployer.plan.machines import MachineOperation


INSTALL_SECONDS: Final = 1200.0
RESTART_SECONDS: Final = 120.0
DEBIANS: Final = frozenset({"debian", "ubuntu"})


async def perform(operation: MachineOperation, world: World, tell: Callable[[str], None]) -> str:
    """Do it; a few words on the result. Raises DeployerError with the reason where it cannot be done."""
    match operation:
        case InstallEngine():
            done = await install_engine(world, operation, tell)
        case WriteDaemonJson():
            done = await write_daemon_json(world, operation, tell)
        case RunContainer():
            done = await run_container(world, operation, tell)
        case RetireContainer():
            done = await retire_container(world, operation)
    return done


async def install_engine(world: World, operation: InstallEngine, tell: Callable[[str], None]) -> str:
    connection = await world.link.to(operation.node)
    release = await connection.run(Command(("sh", "-c", '. /etc/os-release; echo "$ID $ID_LIKE"')))
    if not DEBIANS & set(release.stdout.split()):
        raise DeployerError(
            f"Docker can be installed on Debian and Ubuntu only, and this is {release.stdout.strip() or 'unknown'}",
            help="install it by hand and set engine.install to none",
        )
    said = await run_script(
        connection, script("engine-debian.sh"), (operation.method,), "the installation", INSTALL_SECONDS, tell
    )
    return said.strip().rpartition("\n")[2]


async def write_daemon_json(world: World, operation: WriteDaemonJson, tell: Callable[[str], None]) -> str:
    connection = await world.link.to(operation.node)
    # The file may hold a proxy's password: it goes by standard input like the script, not by argv.
    text = b"encoded=" + base64.b64encode(operation.text.encode()) + b"\n" + read_script("daemon-json.sh")
    command = Command(("sh", "-s", operation.effect), stdin=text, root=True, timeout=RESTART_SECONDS)
    completed = await connection.run(command, tell)
    if not completed.ok:
        raise CommandFailedError("writing daemon.json", completed)
    return {"none": "", "reload": "reloaded, nothing restarted", "restart": "engine restarted"}[operation.effect]
