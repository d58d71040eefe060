"""How images are built: by the engine of the machine that was chosen, whatever builder the account has set for itself."""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

from deployer.docker.credentials import Credentials
from deployer.execute import images
from deployer.model.build import Build, BuildFile
from deployer.plan.images import BuildStackImage

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

    import pytest

DOCKERFILE = b"# syntax=evil.example/frontend\nFROM scratch\nCOPY a /a\n"
"""A front end is fetched and run by whoever builds: that is the machine's engine, as with `docker build` there."""


def test_a_front_end_runs_where_the_image_is_built_and_nowhere_else(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """`docker buildx use --global` names a builder for every engine, which may be one of this machine's."""
    program = tmp_path / "docker"
    program.write_text('#!/bin/sh\nprintf "%s\\n" "$*"\n')  # in its cage it can write no file of this test
    program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:/usr/bin:/bin")
    monkeypatch.setenv("BUILDX_BUILDER", "evil")

    @asynccontextmanager
    async def forwarded(_connection: object, _path: str) -> AsyncIterator[str]:
        yield "/run/machine.sock"

    async def nothing(_name: str) -> None: ...

    monkeypatch.setattr(images, "forwarded", forwarded)
    link = SimpleNamespace(to=nothing)
    world: Any = SimpleNamespace(engine=nothing, link=link, credentials=Credentials(tmp_path / "config.json"))
    build = Build("localhost/web:1", "web", "web_web", ".", ("a",), "Dockerfile")
    operation = BuildStackImage("web", "m1", build, (BuildFile("a", b"x", executable=False),), DOCKERFILE)
    told: list[str] = []
    asyncio.run(images.build_stack_image(world, operation, told.append))
    (line,) = [one for one in told if " build" in one]
    assert line.startswith("--host unix:///run/machine.sock buildx build ")
    assert " --builder default " in line
