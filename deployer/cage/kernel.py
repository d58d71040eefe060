"""What this machine's kernel has for cages; and whether that is enough to take other people's files."""

from __future__ import annotations

import functools
import os
from dataclasses import dataclass
from typing import TYPE_CHECKING

from deployer.cage import filters, system
from deployer.cage.switch import OFF, SETTING, says_off
from deployer.errors import DeployerError

if TYPE_CHECKING:
    from pathlib import Path


@dataclass(frozen=True)
class Kernel:
    """`landlock` is the version of its ABI, 0 for none. `filters`: seccomp, for this processor; `listens`: it can ask a supervisor."""

    landlock: int
    filters: bool
    listens: bool
    name: str = ""
    """`Linux 6.12.41 x86_64`"""

    @property
    def confines(self) -> bool:
        """Whether a program can be kept to its own files, and from the network."""
        return self.landlock > 0 and self.filters

    @property
    def lacks(self) -> str:
        missing = [
            name for name, there in (("Landlock", self.landlock), ("seccomp filters", self.filters)) if not there
        ]
        return f"{self.name} has no {' and no '.join(missing)}" if missing else ""


@functools.cache
def look() -> Kernel:
    """The kernel that runs us. Nothing is changed by looking."""
    told = os.uname()
    filtering = filters.known(told.machine) and system.filters_here()
    name = f"{told.sysname} {told.release} {told.machine}"
    return Kernel(system.landlock_version(), filtering, filtering and system.listens_here(), name)


def require_cage(setting: str, repository: Path | str, kernel: Kernel | None = None) -> None:
    """DeployerError where other people's files cannot be confined here, and the repository does not say that this is meant."""
    kernel = kernel or look()
    if not says_off(setting) and not kernel.confines:
        raise DeployerError(
            f"what others push cannot be confined on this machine: {kernel.lacks}",
            help=f"`deployer doctor` says more; to go on without: git --git-dir {repository} config {SETTING} {OFF}",
        )
