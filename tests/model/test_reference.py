from __future__ import annotations

import pytest

from deployer.model import reference


@pytest.mark.parametrize(
    ("image", "parts", "registry", "full"),
    [
        ("redis", ("redis", "", ""), "docker.io", "docker.io/library/redis:latest"),
        ("redis:7", ("redis", "7", ""), "docker.io", "docker.io/library/redis:7"),
        ("library/redis:7.2-alpine", ("library/redis", "7.2-alpine", ""), "docker.io", "docker.io/library/redis:7.2-alpine"),
        ("deployer/counter:1", ("deployer/counter", "1", ""), "docker.io", "docker.io/deployer/counter:1"),
        ("docker.io/library/redis", ("docker.io/library/redis", "", ""), "docker.io", "docker.io/library/redis:latest"),
        ("index.docker.io/a/b:1", ("index.docker.io/a/b", "1", ""), "docker.io", "docker.io/a/b:1"),
        ("r.example:5000/redis", ("r.example:5000/redis", "", ""), "r.example:5000", "r.example:5000/redis:latest"),
        ("localhost/t/redis:7", ("localhost/t/redis", "7", ""), "localhost", "localhost/t/redis:7"),
        ("redis@sha256:ab", ("redis", "", "sha256:ab"), "docker.io", "docker.io/library/redis:latest"),
        ("h:1/redis:7@sha256:ab", ("h:1/redis", "7", "sha256:ab"), "h:1", "h:1/redis:7"),
    ],
)  # fmt: skip
def test_the_parts_of_a_reference(image: str, parts: tuple[str, str, str], registry: str, full: str) -> None:
    """As the client reads them (distribution/reference, normalize.go)."""
    assert (reference.split(image), reference.registry(image), reference.full(image)) == (parts, registry, full)


def test_references_that_mean_the_same() -> None:
    assert reference.same("nginx", "docker.io/library/nginx:latest@sha256:ab")
    assert not reference.same("nginx:1", "nginx:2")
    assert not reference.same("r.example/nginx", "nginx")


def test_a_digest_is_put_on_and_taken_off_again() -> None:
    assert reference.pin("nginx", "sha256:ab") == "nginx@sha256:ab"
    assert reference.pin("nginx:1", "") == "nginx:1"
    assert reference.digest_of("nginx:1@sha256:ab") == "sha256:ab"
