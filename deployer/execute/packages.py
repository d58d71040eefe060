"""The engine's packages on a machine: which are newer, upgraded, taken away."""

from __future__ import annotations

from typing import TYPE_CHECKING

from deployer.execute.machines import INSTALL_SECONDS
from deployer.execute.script import run_script, script

if TYPE_CHECKING:
    from collections.abc import Callable

    from deployer.execute.world import World
    from deployer.plan.maintenance import PurgeEngine, UpgradeEngine
    from deployer.remote import Connection


async def engine_packages(connection: Connection) -> list[tuple[str, str, str]]:
    """(package, installed version, the version that there is), after the package lists were fetched. Changes nothing else."""
    said = await run_script(
        connection, script("engine-upgrade.sh"), ("look",), "asking for newer packages", INSTALL_SECONDS
    )
    lines = (line.split(" ") for line in said.splitlines())
    return [(words[0], words[1], words[2]) for words in lines if len(words) == 3]


async def upgrade_engine(world: World, operation: UpgradeEngine, tell: Callable[[str], None]) -> str:
    connection = await world.link.to(operation.node)
    arguments = ("upgrade", *operation.packages)
    said = await run_script(connection, script("engine-upgrade.sh"), arguments, "the upgrade", INSTALL_SECONDS, tell)
    return said.strip().rpartition("\n")[2]


async def purge_engine(world: World, operation: PurgeEngine, tell: Callable[[str], None]) -> str:
    connection = await world.link.to(operation.node)
    said = await run_script(connection, script("engine-upgrade.sh"), ("purge",), "the removal", INSTALL_SECONDS, tell)
    return said.strip().rpartition("\n")[2]
