"""Install Debian packages. On Debian 12, whose own Docker is 20.10, Docker's come from Debian 13."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

from deployer.errors import DeployerError
from deployer.sandbox import apt
from deployer.sandbox.process import must

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

DEBIANS = ("bookworm", "trixie")
DOCKER_SUITE = "trixie"
KEYRINGS = ("/usr/share/keyrings/debian-archive-keyring.gpg", "/usr/share/keyrings/debian-archive-keyring.pgp")
APT = ("apt-get", "--quiet", "--yes", "-o", "DPkg::Lock::Timeout=300")
ENGINE_PACKAGES = frozenset(
    {"docker.io", "docker-ce", "docker-cli", "docker-ce-cli", "containerd", "containerd.io", "runc"}
)


def codename(os_release: str) -> str:
    """VERSION_CODENAME of an os-release file that says ID=debian, else ""."""
    fields = dict(line.split("=", 1) for line in os_release.splitlines() if "=" in line)
    return fields.get("VERSION_CODENAME", "").strip('"') if fields.get("ID", "").strip('"') == "debian" else ""


def host_codename() -> str:
    """The Debian codename of this machine; "" where it is no Debian."""
    try:
        return codename(Path("/etc/os-release").read_text(encoding="utf-8"))
    except FileNotFoundError:
        return ""


def why_not() -> str:
    """Why packages cannot be installed here, in half a sentence; "" where they can."""
    if host_codename() not in DEBIANS:
        return "only Debian 12 and 13 are set up by themselves"
    return "" if os.geteuid() == 0 else "installing needs root"


def archives(say: Callable[[str], None]) -> tuple[apt.Archive, ...]:
    """Debian's archives that apt is set up with, none where this is no Debian; fills apt's lists where they are empty."""
    if not host_codename():
        return ()
    found = apt.parse_archives(must(apt.INDEXTARGETS, failing="apt's archives could not be read"))
    if not found and not why_not():
        update(say)
        found = apt.parse_archives(must(apt.INDEXTARGETS, failing="apt's archives could not be read"))
    return found


def update(say: Callable[[str], None]) -> None:
    say("apt: reading the lists of packages")
    must((*APT, "update"), failing="apt's lists could not be read", seconds=600)


def install(plain: Iterable[str], from_docker_suite: Iterable[str], say: Callable[[str], None]) -> None:
    """Install `plain` from this Debian and `from_docker_suite` from Debian 13; never removes anything, never changes an engine.

    Raises DeployerError where a package cannot be had, or where apt would disturb an engine that is installed.
    """
    release, suffix = host_codename(), ""
    must(("dpkg", "--configure", "-a"), failing="dpkg cannot finish what was interrupted", seconds=600)
    update(say)
    names = list(from_docker_suite)
    if names and release != DOCKER_SUITE:
        _add_docker_suite(release, say)
        update(say)
        suffix = f"/{DOCKER_SUITE}"
    wanted = [*plain, *(f"{name}{suffix}" for name in names)]
    command = (*APT, "--no-install-recommends", "install")
    simulated = must((*command, "--simulate", *wanted), failing="apt cannot install what is missing", seconds=120)
    if disturbed := apt.disturbed(simulated, ENGINE_PACKAGES):
        raise DeployerError(
            f"installing {' '.join(wanted)} would change {', '.join(disturbed)}",
            help="an engine that is there is never touched: install the missing parts from where it came from",
        )
    say(f"apt: installing {' '.join(wanted)}")
    must((*command, *wanted), failing="the installation failed", seconds=1200)


def _add_docker_suite(release: str, say: Callable[[str], None]) -> None:
    url = apt.main_archive(archives(say), release)
    keyring = next((path for path in KEYRINGS if Path(path).exists()), KEYRINGS[0])
    source = Path(f"/etc/apt/sources.list.d/deployer-{DOCKER_SUITE}.sources")
    pin = Path(f"/etc/apt/preferences.d/deployer-{DOCKER_SUITE}")
    say(f"apt: adding {source} and {pin} (priority 100: nothing else is taken from there)")
    pin.write_text(apt.pin_file(DOCKER_SUITE), encoding="utf-8")  # first: a source without its pin would upgrade Debian
    source.write_text(apt.source_file(url, DOCKER_SUITE, keyring), encoding="utf-8")
