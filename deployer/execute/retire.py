"""Containers and images of ours that a machine does not need any more: stopped in good order, and removed."""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING

from deployer.docker import EngineError, segment
from deployer.errors import TimedOutError
from deployer.execute.containers import stop_own, take_out
from deployer.remote import ConnectionFailedError

if TYPE_CHECKING:
    from collections.abc import Callable

    from deployer.execute.world import World
    from deployer.plan.operations import RemoveImage, RetireContainer


async def retire_container(world: World, operation: RetireContainer, _: Callable[[str], None]) -> str:
    """A run that was killed in the middle does the rest: each part finds out by itself whether it is still to be done."""
    engine = await world.engine(operation.node)
    path = f"/containers/{segment(operation.name)}"
    said = ""
    if operation.role == "Consul":
        said = await _leave_consul(world, operation)
    if not await stop_own(engine, operation.name, world.link.cluster.name):
        return "already gone"
    if operation.role != "Consul" and operation.leaves:
        said = await take_out(world, operation.node, operation.leaves, engine)
    await engine.delete(path, force=True)  # and not `v=true`: volumes stay
    return said


async def _leave_consul(world: World, operation: RetireContainer) -> str:
    """Stopped without a word, a server would be waited for by the others: two of three that go so take the leader with them.

    Docker would start it again when it has left, so that is switched off first.
    """
    from deployer.consul import Catalogue, ConsulError  # noqa: PLC0415 - few machines stop being one of Consul's

    engine = await world.engine(operation.node)
    with contextlib.suppress(EngineError):
        policy = {"RestartPolicy": {"Name": "no"}}
        await engine.post(f"/containers/{segment(operation.name)}/update", policy)
    connection, token = await world.link.to(operation.node), world.link.cluster.secrets.token
    with contextlib.closing(Catalogue(connection, token)) as catalogue:
        try:
            await catalogue.leave()
        except (ConnectionFailedError, TimedOutError, ConsulError) as error:
            return f"it did not take its leave: {error.message}"
    return ""


async def remove_image(world: World, operation: RemoveImage, _: Callable[[str], None]) -> str:
    """One that a container still uses stays, which is no failure: the next run looks again."""
    engine = await world.engine(operation.node)
    try:
        await engine.delete(f"/images/{segment(operation.image)}")
    except EngineError as error:
        if error.status not in {404, 409}:
            raise
        return "already gone" if error.status == 404 else "still in use, and left"
    return ""
