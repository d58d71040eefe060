"""The parts of an image's reference (`nginx:1.27@sha256:...`), as Docker's own client writes them."""

from __future__ import annotations

from typing import Final

HUB: Final = "docker.io"
LATEST: Final = "latest"


def split(image: str) -> tuple[str, str, str]:
    """(name, tag, digest) as they stand there; tag and digest are empty where there is none."""
    before, _, digest = image.partition("@")
    name, colon, tag = before.rpartition(":")
    return (name, tag, digest) if colon and "/" not in tag else (before, "", digest)


def registry(image: str) -> str:
    """The registry that has it: `docker.io` where the name says none (distribution/reference, splitDockerDomain)."""
    first, slash, _ = image.partition("/")
    is_host = bool(slash) and ("." in first or ":" in first or first == "localhost")
    if not is_host:
        return HUB
    return HUB if first == "index.docker.io" else first


def full(image: str) -> str:
    """`docker.io/library/nginx:latest` of `nginx`, without a digest: equal for references that mean the same."""
    name, tag, _ = split(image)
    host = registry(image)
    rest = (
        name
        if registry(name) == HUB and not name.startswith(("docker.io/", "index.docker.io/"))
        else name.partition("/")[2]
    )
    return f"{host}/{f'library/{rest}' if host == HUB and '/' not in rest else rest}:{tag or LATEST}"


def same(one: str, other: str) -> bool:
    """Whether two references mean the same tag, whatever their digests are."""
    one, other = one.partition("@")[0], other.partition("@")[0]
    return one == other or full(one) == full(other)


def digest_of(image: str) -> str:
    return image.partition("@")[2]


def pin(image: str, digest: str) -> str:
    """`nginx:1.27@sha256:...` of `nginx:1.27`; as it is where the digest is empty."""
    return f"{image}@{digest}" if digest else image
