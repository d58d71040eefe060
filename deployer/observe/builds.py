"""Ask where images that are built here are already: one question a machine, one for each image that a registry is to have."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from deployer.docker import Engine
from deployer.docker.credentials import Credentials
from deployer.errors import DeployerError
from deployer.model.build import BuiltImage
from deployer.model.observed import Engine as EngineAnswers
from deployer.model.observed import Machine, Observed

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from deployer.model.build import Build
    from deployer.remote import Link


async def observe_builds(builds: Sequence[Build], observed: Observed, link: Link) -> Mapping[str, BuiltImage]:
    """By image. A machine or registry that does not answer has it not: bringing it there says why."""
    if not builds:
        return {}
    names = [
        name
        for name, machine in sorted(observed.machines.items())
        if isinstance(machine, Machine) and isinstance(machine.engine, EngineAnswers)
    ]
    images = sorted({build.image for build in builds})
    engines = {name: Engine(await link.to(name)) for name in names}
    try:
        held = dict(zip(names, await asyncio.gather(*(_held(engines[name], images) for name in names)), strict=True))
        asking = engines.get(observed.swarm.via) if observed.swarm else None
        pushed = [build.image for build in builds if build.pushed and asking]
        credentials = Credentials(allowed=link.cluster.allowed)
        told = await asyncio.gather(*(_in_registry(asking, image, credentials) for image in pushed if asking))
    finally:
        for engine in engines.values():
            engine.close()
    there = {image for image, found in zip(pushed, told, strict=True) if found}
    return {
        image: BuiltImage(frozenset(name for name in names if image in held[name]), image in there) for image in images
    }


async def _held(engine: Engine, images: Sequence[str]) -> frozenset[str]:
    try:
        listed = await engine.get("/images/json", filters={"reference": list(images)})
    except DeployerError:
        return frozenset()
    return frozenset(tag for told in listed for tag in told.get("RepoTags") or ())


async def _in_registry(engine: Engine, image: str, credentials: Credentials) -> bool:
    try:
        await engine.digest(image, await credentials.headers(image))
    except DeployerError:
        return False
    return True
