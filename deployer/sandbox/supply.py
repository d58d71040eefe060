"""The images that a sandbox needs, all of them there: each is built once, side by side, whoever asks for it."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

from deployer.sandbox import build
from deployer.sandbox.engine import only_one
from deployer.sandbox.hub import hub_answers
from deployer.sandbox.rootfs import ensure_rootfs

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from docker import DockerClient

LOCK: Final = Path("/run/lock/deployer-images.lock")
AT_ONCE: Final = 3
"""Builds side by side: each downloads packages for half of its time."""


@dataclass(frozen=True)
class Images:
    """References of images that are there."""

    machine: str
    registry: str
    stand_ins: Mapping[build.StandIn, str]


def ensure_images(client: DockerClient, *, engine: bool, say: Callable[[str], None]) -> Images:
    """Build what is missing; `engine`: machines have Docker already. Raises DeployerError where one cannot be built.

    A second run at the same time waits, and finds everything there.
    """
    with only_one(LOCK, "images: another run is building them; waiting for it", say):
        root = ensure_rootfs(client, say)
        hub = hub_answers()
        wanted = [stand_in for stand_in in build.STAND_INS if stand_in.ours or not hub]

        def machine() -> str:
            bare = build.image(client, "machine", root, say)
            return build.image(client, "engine", bare, say) if engine else bare

        with ThreadPoolExecutor(AT_ONCE) as pool:
            machines = pool.submit(machine)
            registry = pool.submit(build.image, client, "registry", root, say)
            building = {one: pool.submit(build.image, client, one.folder, root, say) for one in wanted}
            try:
                return Images(
                    machines.result(), registry.result(), {one: each.result() for one, each in building.items()}
                )
            except BaseException:  # Ctrl-C too: what has not begun does not begin
                pool.shutdown(wait=False, cancel_futures=True)
                raise
