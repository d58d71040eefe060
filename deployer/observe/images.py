"""Ask what the tags of images stand for: all at once, each once."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from deployer.docker import Engine
from deployer.docker.credentials import Credentials
from deployer.docker.digests import find_image
from deployer.errors import DeployerError
from deployer.model.amounts import plural
from deployer.model.observed import ImageFound, ImageUnknown

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from deployer.remote import Link


async def observe_images(
    wanted: Mapping[str, frozenset[str]], via: str, link: Link, say: Callable[[str], None]
) -> Mapping[str, ImageFound | ImageUnknown]:
    """`wanted` maps each reference to the machines that may run it; `via` is the manager that asks the registries.

    Nothing is asked where nothing is wanted. What could not be told is a value.
    """
    if not wanted:
        return {}
    say(f"asking for {plural(len(wanted), 'image')}")
    names = sorted({via}.union(*wanted.values()))
    engines = {name: Engine(await link.to(name)) for name in names}
    credentials = Credentials(allowed=link.cluster.allowed)

    async def one(image: str) -> ImageFound | ImageUnknown:
        try:
            return await find_image(
                image, engines[via], {name: engines[name] for name in sorted(wanted[image])}, credentials
            )
        except DeployerError as error:
            return ImageUnknown(f"what {image} is could not be asked: {error.message}", error.help)

    try:
        found = dict(zip(wanted, await asyncio.gather(*map(one, wanted)), strict=True))
    finally:
        for engine in engines.values():
            engine.close()
    for answer in found.values():
        if isinstance(answer, ImageFound) and answer.local:
            say(answer.local)
    return found
