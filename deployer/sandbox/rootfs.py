"""Make the image that all others stand on: Debian 12 by mmdebstrap, or Docker Hub's where there is no mmdebstrap."""

from __future__ import annotations

import shutil
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING

from deployer.errors import DeployerError
from deployer.sandbox import apt, build, packages
from deployer.sandbox.hub import hub_answers
from deployer.sandbox.labels import IMAGE_LABEL
from deployer.sandbox.process import must

if TYPE_CHECKING:
    from collections.abc import Callable

    from docker import DockerClient

REPOSITORY, TAG = "deployer-sandbox/debian", "12"
REFERENCE = f"{REPOSITORY}:{TAG}"
SUITE = "bookworm"  # its systemd runs on cgroup v1 and v2; Debian 13's wants v2
HUB_IMAGE = f"debian:{SUITE}"
NO_DOCUMENTATION = tuple(
    f"--dpkgopt=path-{rule}"
    for rule in ("exclude=/usr/share/man/*", "exclude=/usr/share/locale/*", "exclude=/usr/share/info/*",
                 "exclude=/usr/share/doc/*", "include=/usr/share/doc/*/copyright")
)  # fmt: skip


def ensure_rootfs(client: DockerClient, say: Callable[[str], None]) -> str:
    """The reference of the root image; makes it where it is not there. Raises DeployerError where it cannot be made."""
    if build.exists(client, REFERENCE):
        return REFERENCE
    started = time.monotonic()
    sources = apt.sources_list(packages.archives(say), packages.host_codename(), SUITE)
    if sources and shutil.which("mmdebstrap"):
        _bootstrap(client, sources, say)
    elif hub_answers():
        _pull(say)
    elif sources and not packages.why_not():
        packages.install(["mmdebstrap"], [], say)
        _bootstrap(client, sources, say)
    else:
        raise DeployerError(
            "no root file system for the machines: Docker Hub does not answer, and this is no Debian with mmdebstrap",
            help="connect to Docker Hub, or install mmdebstrap on Debian 12 or 13",
        )
    say(f"image debian: made in {time.monotonic() - started:.0f} s")
    return REFERENCE


def _bootstrap(client: DockerClient, sources: str, say: Callable[[str], None]) -> None:
    say("image debian: making a root file system with mmdebstrap (half a minute or so)")
    with tempfile.TemporaryDirectory(prefix="deployer-") as name:
        listing, archive = Path(name, "sources.list"), Path(name, "root.tar")
        listing.write_text(sources, encoding="utf-8")
        must(
            (
                *("mmdebstrap", "--variant=minbase", "--include=ca-certificates", *NO_DOCUMENTATION),
                *(SUITE, str(archive), str(listing)),
            ),
            failing="the root file system could not be made",
            seconds=1200,
        )
        client.api.import_image_from_file(
            str(archive), repository=REPOSITORY, tag=TAG, changes=[f"LABEL {IMAGE_LABEL}=debian", 'CMD ["bash"]']
        )


def _pull(say: Callable[[str], None]) -> None:
    """An image of our own on top of Docker Hub's, so that removing ours never removes one that was there before."""
    say(f"image debian: pulling {HUB_IMAGE} from Docker Hub")
    build.docker_build(build.FOLDER / "debian", REFERENCE, HUB_IMAGE)
