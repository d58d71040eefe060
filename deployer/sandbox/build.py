"""Build the images of images/. Each tag carries a hash of what the image is made of, so nothing is built twice."""

from __future__ import annotations

import hashlib
import time
from collections import deque
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, cast

from deployer.errors import DeployerError
from deployer.sandbox.engine import engine_socket
from deployer.sandbox.labels import IMAGE_LABEL

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from docker import DockerClient

FOLDER = Path(__file__).parent / "images"


@dataclass(frozen=True)
class StandIn:
    """An image of the sandbox's registry: the folder that it is built from, the names and tags that it goes by there.

    `ours` marks what no real registry has.
    """

    folder: str
    repository: str
    tags: tuple[str, ...]
    ours: bool = False


STAND_INS = (
    StandIn("redis", "library/redis", ("7", "7-alpine", "alpine", "latest")),
    StandIn("nginx", "library/nginx", ("1.27", "1.27-alpine", "alpine", "latest")),
    StandIn("consul", "hashicorp/consul", ("1.20", "latest")),
    StandIn("python", "library/python", ("3.12-slim", "3.12", "slim", "latest")),
    StandIn("counter", "deployer/counter", ("1", "latest"), ours=True),
)


def content_hash(folder: Path, *more: str) -> str:
    """12 hexadecimal digits over the paths, the contents and the executable bits below `folder`, and over `more`."""
    digest = hashlib.sha256()
    for path in sorted(path for path in folder.rglob("*") if path.is_file()):
        executable = path.stat().st_mode & 0o100
        for part in (
            path.relative_to(folder).as_posix().encode(),
            bool(executable).__repr__().encode(),
            path.read_bytes(),
        ):
            digest.update(len(part).to_bytes(8, "big") + part)
    for text in more:
        digest.update(len(text.encode()).to_bytes(8, "big") + text.encode())
    return digest.hexdigest()[:12]


def exists(client: DockerClient, reference: str) -> bool:
    return bool(client.api.images(name=reference))


def image(client: DockerClient, name: str, root: str, say: Callable[[str], None]) -> str:
    """The reference of the image of folder `name` on top of the image `root`; builds it where it is not there.

    Raises DeployerError with the build's last lines.
    """
    folder = FOLDER / name
    reference = f"deployer-sandbox/{name}:{content_hash(folder, client.api.inspect_image(root)['Id'])}"
    if exists(client, reference):
        return reference
    say(f"image {name}: building")
    started = time.monotonic()
    docker_build(folder, reference, root)
    say(f"image {name}: built in {time.monotonic() - started:.0f} s")
    return reference


def docker_build(folder: Path, reference: str, root: str) -> None:
    """Build `folder` on top of `root` as `reference`; raises DeployerError with the last lines."""
    import python_on_whales  # noqa: PLC0415 - 0.6 s, and images are built once

    whales = python_on_whales.DockerClient(host=f"unix://{engine_socket()}")
    last: deque[str] = deque(maxlen=15)
    try:
        lines = whales.buildx.build(
            folder,
            build_args={"BASE": root},
            labels={IMAGE_LABEL: folder.name},
            tags=[reference],
            builder="default",
            network="host",  # the host's resolver and its packet size: a bridge gets neither where they are unusual
            provenance=False,
            progress="plain",
            stream_logs=True,
        )
        last.extend(line.rstrip() for line in cast("Iterator[str]", lines))
    except python_on_whales.exceptions.DockerException as error:
        raise DeployerError(f"the image {folder.name} could not be built", help="\n".join(last)) from error
