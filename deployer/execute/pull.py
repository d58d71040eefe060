"""Images that steps need: pulled where they are missing, and named by digest."""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING, Any

from deployer.docker import EngineError, segment
from deployer.docker.digests import find_image
from deployer.errors import DeployerError
from deployer.model import labels
from deployer.model.observed import ImageUnknown
from deployer.model.reference import pin
from deployer.model.spec import ServiceSpec
from deployer.remote import ConnectionFailedError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from deployer.docker import Engine
    from deployer.execute.world import World


async def ensure_image(world: World, engine: Engine, image: str, tell: Callable[[str], None]) -> None:
    """Pull the image unless it is there. Raises EngineError with the registry's own words."""
    try:
        await engine.get(f"/images/{segment(image)}/json")
    except EngineError as error:
        if error.status != 404:
            raise
        tell(f"pulling {image}")
        headers = await world.credentials.headers(image)
        async with contextlib.aclosing(engine.pull(image, headers)) as lines:
            async for _ in lines:
                pass


async def with_digest(world: World, body: Mapping[str, Any]) -> Mapping[str, Any]:
    """The body with its image's digest, where the plan was made before there was a swarm to ask; as it is otherwise.

    Raises DeployerError with the registry's own words: a service never starts from a bare tag because of that.
    """
    spec = ServiceSpec(body)
    image, _, digest = spec.image.partition("@")
    if digest != labels.IMAGE_DIGEST:
        return body
    engines = {}
    for node in world.link.cluster.nodes:
        if node.role != "none":
            with contextlib.suppress(ConnectionFailedError):
                engines[node.name] = await world.engine(node.name)
    found = await find_image(image, await world.manager(), engines, world.credentials)
    if isinstance(found, ImageUnknown):
        raise DeployerError(found.reason, help=found.help)
    kept = {key: value for key, value in spec.service_labels.items() if key != labels.DIGEST}
    digested = kept | ({labels.DIGEST: found.digest} if found.digest else {})
    return spec.with_image(pin(image, found.digest)).with_labels(digested).raw
