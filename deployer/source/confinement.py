"""What a repository's own configuration says of confinement: whether files from others are taken without it, and how much they may take.

Nothing of it is read from a commit: it is set by hand, on the machine that deploys.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from deployer.cage.bounds import MAX_CPU, MAX_MEMORY, MAX_SECONDS, Bounds
from deployer.cage.switch import SETTING, says_off
from deployer.errors import UsageError
from deployer.model.amounts import parse_duration
from deployer.source import git, refs
from deployer.startup import defer_imports

if TYPE_CHECKING:
    from pathlib import Path

with defer_imports():
    from deployer.cage import kernel

_SIZE: Final = re.compile(r"([1-9][0-9]{0,8})([kmg]?)", re.IGNORECASE)
_SMALLEST: Final = 256 << 20
"""Bytes: what this program takes by itself, and some files."""


def uncaged(path: Path) -> bool:
    """Whether programs run without a cage that read the files of the repository at `path`; a folder without git says nothing."""
    try:
        repository = git.find(path)
    except UsageError:
        return False
    return says_off(refs.setting(repository, SETTING))


def require_confined(repository: git.Repository) -> None:
    """DeployerError where files from others cannot be confined on this machine, and the repository does not accept that."""
    kernel.require_cage(refs.setting(repository, SETTING), repository.git_dir)


def bounds(repository: git.Repository) -> Bounds:
    """How much the check of a commit may take. UsageError where a setting has no such value."""
    given = refs.settings(repository, "deployer")
    default = Bounds()
    seconds, cpu, memory = (given.get(name.lower(), "") for name in (MAX_SECONDS, MAX_CPU, MAX_MEMORY))
    return Bounds(
        _seconds(seconds, MAX_SECONDS) if seconds else default.seconds,
        _seconds(cpu, MAX_CPU) if cpu else default.cpu,
        _bytes(memory) if memory else default.memory,
    )


def _seconds(text: str, what: str) -> float:
    """The value of a setting, a second at least. Raises UsageError."""
    try:
        found = parse_duration(text)
    except ValueError as error:
        raise UsageError(f"{what}: {error}") from None
    if found < 1:
        raise UsageError(f"{what}: {text!r} is less than a second")
    return found


def _bytes(text: str) -> int:
    """`512m`, `2g` -> bytes"""
    found = _SIZE.fullmatch(text)
    size = int(found[1]) << {"": 0, "k": 10, "m": 20, "g": 30}[found[2].lower()] if found else 0
    if size < _SMALLEST:
        raise UsageError(f"{MAX_MEMORY}: {text[:60]!r} is no size of {_SMALLEST >> 20}m or more, such as 2g")
    return size
