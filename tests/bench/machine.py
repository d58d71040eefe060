"""What the figures were measured on: whoever reads them later has to know."""

from __future__ import annotations

import os
import platform
import subprocess
import sys
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path
from typing import Final

PROJECT: Final = Path(__file__).parents[2]


@dataclass(frozen=True)
class Machine:
    cores: int
    memory_mib: int
    processor: str
    kernel: str
    system: str
    load: tuple[float, float, float]
    """When the run began."""
    versions: dict[str, str]
    """By program; "-" where it is not here."""


def describe_machine() -> Machine:
    memory = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE") // 2**20
    return Machine(
        cores=len(os.sched_getaffinity(0)),
        memory_mib=memory,
        processor=_processor(),
        kernel=platform.release(),
        system=_system(),
        load=os.getloadavg(),
        versions={
            "python": sys.version.split()[0],
            "deployer": metadata.version("deployer"),
            "asyncssh": metadata.version("asyncssh"),
            "docker client": _said("docker", "version", "--format", "{{.Client.Version}}"),
            "docker engine": _said("docker", "version", "--format", "{{.Server.Version}}"),
            "docker compose": _said("docker", "compose", "version", "--short"),
            "git": _said("git", "--version").removeprefix("git version "),
            "ssh": _said("ssh", "-V"),
        },
    )


def commit() -> str:
    """The commit of this project, short; with `+` behind it where files differ from it."""
    short = _said("git", "-C", str(PROJECT), "rev-parse", "--short", "HEAD")
    return short + ("+" if _said("git", "-C", str(PROJECT), "status", "--porcelain") not in {"", "-"} else "")


def _said(*argv: str) -> str:
    """The first line that a program prints, "" where it prints nothing, "-" where it cannot be asked."""
    try:
        done = subprocess.run(argv, capture_output=True, text=True, check=True, timeout=20)
    except (OSError, subprocess.SubprocessError):
        return "-"
    lines = (done.stdout.strip() or done.stderr.strip()).splitlines()
    return lines[0] if lines else ""


def _processor() -> str:
    lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    return next((line.partition(":")[2].strip() for line in lines if line.startswith("model name")), platform.machine())


def _system() -> str:
    try:
        return platform.freedesktop_os_release().get("PRETTY_NAME", platform.system())
    except OSError:
        return platform.system()
