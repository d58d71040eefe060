"""Images: pulled where they are missing, ours built from what is installed here."""

from __future__ import annotations

import contextlib
import functools
import gzip
from typing import TYPE_CHECKING

from deployer.docker import EngineError, segment
from deployer.model import labels

if TYPE_CHECKING:
    from collections.abc import Callable

    from deployer.docker import Engine
    from deployer.execute.world import World
    from deployer.plan.operations import BuildImage


async def ensure_image(engine: Engine, image: str, tell: Callable[[str], None]) -> None:
    """Pull the image unless it is there. Raises EngineError with the registry's own words."""
    try:
        await engine.get(f"/images/{segment(image)}/json")
    except EngineError as error:
        if error.status != 404:
            raise
        tell(f"pulling {image}")
        async with contextlib.aclosing(engine.pull(image)) as lines:
            async for _ in lines:
                pass


async def build_image(world: World, operation: BuildImage, tell: Callable[[str], None]) -> str:
    """Send the build context through the machine's own connection: no registry has this image."""
    engine = await world.engine(operation.node)
    await ensure_image(engine, operation.base, tell)
    words = engine.build(
        _context(),
        t=operation.image,
        buildargs={"BASE": operation.base},
        labels={labels.ROLE: "registrator"},
        forcerm=True,
    )
    async with contextlib.aclosing(words):
        async for word in words:
            if word:
                tell(word)
    return ""


@functools.cache
def _context() -> bytes:
    """The same for all machines of a run; a quarter of its size when packed."""
    from deployer.registrator.image import build_context  # noqa: PLC0415 - most runs build nothing

    return gzip.compress(build_context(), 6, mtime=0)
