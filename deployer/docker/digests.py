"""Ask for the digest that an image's tag stands for: a manager asks the registry, as `docker service create` does.

Where the registry has none to tell (it is down, it refuses, nobody ever pushed the image), what the machines hold counts,
if all of them that may run it hold the very same: then nothing else could run than what is there. Anything less is no answer.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any, Final

from deployer.docker.engine import EngineError, segment
from deployer.errors import DeployerError, TimedOutError
from deployer.model.observed import ImageFound, ImageUnknown
from deployer.model.reference import full, registry
from deployer.remote.connection import ConnectionFailedError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from deployer.docker.credentials import Credentials
    from deployer.docker.engine import Engine

_UNKNOWN: Final = "the machines that may run it do not all have the same one"


async def find_image(
    image: str, manager: Engine, machines: Mapping[str, Engine], credentials: Credentials
) -> ImageFound | ImageUnknown:
    """`machines` are the engines of all that may run it, by name. Raises ConnectionFailedError where the manager is away."""
    try:
        headers = await credentials.headers(image)
        return ImageFound(await manager.digest(image, headers))
    except ConnectionFailedError:
        raise
    except (EngineError, TimedOutError, DeployerError) as error:
        refusal = f"{registry(image)} does not say what {image} is: {error.message}"
        help_ = error.help
    held = await _held(image, machines)
    if isinstance(held, ImageFound):
        return ImageFound(held.digest, f"{refusal}; taken as the machines have it")
    return ImageUnknown(
        f"{refusal}; {held}",
        help_
        or credentials.advice(image)
        or "push it, or log in with `docker login`; `images: {resolve: never}` asks no registry",
    )


async def _held(image: str, machines: Mapping[str, Engine]) -> ImageFound | str:
    """What all of the machines have under that tag, or why that is nothing to go by."""
    told = await asyncio.gather(*(_inspect(engine, image) for engine in machines.values()))
    without = [name for name, found in zip(machines, told, strict=True) if found is None]
    if without or not told:
        return f"{', '.join(without) or 'no machine'} {'has' if len(without) < 2 else 'have'} it neither"
    found = [one for one in told if one is not None]
    digests = [_digests(one, image) for one in found]
    if common := set.intersection(*digests):
        return ImageFound(min(common))
    return ImageFound("") if not any(digests) and len({one.get("Id") for one in found}) == 1 else _UNKNOWN


async def _inspect(engine: Engine, image: str) -> Mapping[str, Any] | None:
    try:
        found: Mapping[str, Any] = await engine.get(f"/images/{segment(image)}/json")
    except (EngineError, TimedOutError, ConnectionFailedError):
        return None
    return found


def _digests(told: Mapping[str, Any], image: str) -> set[str]:
    """Those that the image has in its own repository: it may have been pushed to others under other ones."""
    name = full(image).rpartition(":")[0]
    pairs = (str(entry).partition("@") for entry in told.get("RepoDigests") or ())
    return {digest for repository, _, digest in pairs if digest and full(repository).rpartition(":")[0] == name}
