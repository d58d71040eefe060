"""The swarm's keys: join tokens, its root certificate, and what unlocks a manager."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any, Final

from deployer.docker import EngineError
from deployer.errors import DeployerError, TimedOutError
from deployer.plan.keys import RotateCa, RotateTokens, SetAutolock, UnlockManager
from deployer.remote import ConnectionFailedError
from deployer.remote.clock import read_clock

if TYPE_CHECKING:
    from collections.abc import Callable

    from deployer.docker import Engine
    from deployer.execute.world import World
    from deployer.plan.keys import KeyOperation


ATTEMPTS: Final = 5
POLL_SECONDS: Final = 0.5
UNLOCK_SECONDS: Final = 90.0


async def perform(operation: KeyOperation, world: World, tell: Callable[[str], None]) -> str:
    """Do it; a few words on the result. Raises DeployerError with the reason where it cannot be done."""
    match operation:
        case RotateTokens():
            done = await rotate_tokens(world, operation)
        case RotateCa():
            done = await rotate_ca(world, operation, tell)
        case SetAutolock():
            done = await set_autolock(world, operation)
        case UnlockManager():
            done = await unlock_manager(world, operation)
    return done


async def rotate_tokens(world: World, operation: RotateTokens) -> str:
    """Make new join tokens. They are shown nowhere: a machine that joins fetches one from a manager at that moment."""
    manager = await world.engine(operation.node)
    query = {f"rotate{role.capitalize()}Token": "true" for role in operation.roles}
    await _update(manager, lambda spec: spec, query)
    return "the old ones let nobody in any more"


async def rotate_ca(world: World, operation: RotateCa, tell: Callable[[str], None]) -> str:
    """As `docker swarm ca --rotate`: ForceRotate counts up, and the swarm's RootRotationInProgress tells when it is over."""
    manager = await world.engine(operation.node)

    def forced(spec: dict[str, Any]) -> dict[str, Any]:
        config = {key: value for key, value in (spec.get("CAConfig") or {}).items() if not key.startswith("Signing")}
        return {**spec, "CAConfig": {**config, "ForceRotate": int(config.get("ForceRotate") or 0) + 1}}

    await _update(manager, forced, {})
    began, told = read_clock(), ""
    while True:
        try:
            swarm = await manager.get("/swarm")
            if not swarm.get("RootRotationInProgress"):
                return "every member has one under it"
            root = (swarm.get("TLSInfo") or {}).get("TrustRoot")
            nodes = await manager.get("/nodes")
        except (ConnectionFailedError, EngineError, TimedOutError):
            nodes, root = [], None  # certificates are exchanged: connections to managers break off meanwhile
        late = sorted(_name(node) for node in nodes if _trust(node) != root)
        said = f"still to come: {', '.join(late)}" if late else "on its way"
        if said != told:
            told = said
            tell(said)
        if world.stopping.is_set() or read_clock() - began > operation.timeout:
            raise DeployerError(
                f"not every member has a certificate under it after {operation.timeout:g} s ({said})",
                help="it goes on by itself: bring those members back, or take them out (deployer machine rm)",
            )
        await asyncio.sleep(POLL_SECONDS)


async def set_autolock(world: World, operation: SetAutolock) -> str:
    """Switch autolock on or off, or make a new key. Only `deployer swarm unlock-key` shows the key."""
    manager = await world.engine(operation.node)
    query = {"rotateManagerUnlockKey": "true"} if operation.rotate else {}
    locking = {"EncryptionConfig": {"AutoLockManagers": operation.on}}
    await _update(manager, lambda spec: spec if operation.rotate else {**spec, **locking}, query)
    return "keep it: deployer swarm unlock-key" if operation.on else ""


async def unlock_manager(world: World, operation: UnlockManager) -> str:
    engine = await world.engine(operation.node)
    if (await engine.get("/info"))["Swarm"]["LocalNodeState"] != "locked":
        return "it is not locked"
    await engine.post_slowly("/swarm/unlock", {"UnlockKey": operation.key.reveal()}, UNLOCK_SECONDS)
    return ""


async def _update(manager: Engine, change: Callable[[dict[str, Any]], dict[str, Any]], query: dict[str, str]) -> None:
    """Write the swarm's spec; read and written again while another writer comes in between."""
    for attempt in range(ATTEMPTS):
        swarm = await manager.get("/swarm")
        try:
            await manager.post("/swarm/update", change(swarm["Spec"]), version=swarm["Version"]["Index"], **query)
        except EngineError as error:
            if "out of sequence" not in error.message or attempt == ATTEMPTS - 1:
                raise
            await asyncio.sleep(POLL_SECONDS)
        else:
            return


def _name(node: dict[str, Any]) -> str:
    return str((node.get("Description") or {}).get("Hostname") or node.get("ID"))


def _trust(node: dict[str, Any]) -> Any:
    return ((node.get("Description") or {}).get("TLSInfo") or {}).get("TrustRoot")
