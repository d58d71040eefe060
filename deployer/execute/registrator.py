"""The registrator: its image, built from what is installed here, and earlier ones removed."""

from __future__ import annotations

import contextlib
import functools
import gzip
from typing import TYPE_CHECKING, Final

from deployer.docker import EngineError, segment
from deployer.execute.pull import ensure_image
from deployer.model import labels
from deployer.plan.registrator import BuildImage, RemoveImage
from deployer.registrator.api import build_context

if TYPE_CHECKING:
    from collections.abc import Callable

    from deployer.execute.world import World
    from deployer.plan.registrator import RegistratorOperation


BOOKKEEPING: Final = ("--->", "Removing intermediate container", "Successfully ")
"""What the engine's own builder says of its layers, and no reader asked."""


async def perform(operation: RegistratorOperation, world: World, tell: Callable[[str], None]) -> str:
    """Do it; a few words on the result. Raises DeployerError with the reason where it cannot be done."""
    match operation:
        case BuildImage():
            done = await build_image(world, operation, tell)
        case RemoveImage():
            done = await remove_image(world, operation)
    return done


async def build_image(world: World, operation: BuildImage, tell: Callable[[str], None]) -> str:
    """Send the build context through the machine's own connection: no registry has this image."""
    engine = await world.engine(operation.node)
    await ensure_image(world, engine, operation.base, tell)
    words = engine.build(
        _context(),
        t=operation.image,
        buildargs={"BASE": operation.base},
        labels={labels.ROLE: "registrator"},
        forcerm=True,
    )
    async with contextlib.aclosing(words):
        async for word in words:
            if word and not word.startswith(BOOKKEEPING):
                tell(word)
    return ""


@functools.cache
def _context() -> bytes:
    """The same for all machines of a run; a quarter of its size when packed."""
    return gzip.compress(build_context(), 6, mtime=0)


async def remove_image(world: World, operation: RemoveImage) -> str:
    """Remove the image. If a container still uses it, it stays, which is no failure: the next run looks again."""
    engine = await world.engine(operation.node)
    try:
        await engine.delete(f"/images/{segment(operation.image)}")
    except EngineError as error:
        if error.status not in {404, 409}:
            raise
        return "already gone" if error.status == 404 else "still in use, and left"
    return ""
