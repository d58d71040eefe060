"""`deployer doctor`: what this machine has of what deployer builds on. A list of checks; each says what it found and what it means.

Nothing is changed, and no other machine is asked. A new check is a function of a folder, and a line in CHECKS.
"""

from __future__ import annotations

import shutil
from typing import TYPE_CHECKING, Final

from deployer.cage import checks as cage
from deployer.cage.bounds import MIB
from deployer.cage.switch import SETTING, says_off
from deployer.compose import tools
from deployer.errors import DeployerError, UsageError
from deployer.model.doctor import Check
from deployer.source import git, refs
from deployer.source.confinement import bounds

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator
    from pathlib import Path

OLDEST_GIT: Final = (2, 25)


def examine(folder: Path) -> tuple[Check, ...]:
    """What was found, in the order of CHECKS. `folder` is the repository, or in it; another one has none of its own."""
    return tuple(check for look in CHECKS for check in look(folder))


def programs(folder: Path) -> Iterator[Check]:
    """Docker's client and its compose plugin, which compile stacks; git."""
    try:
        found = tools.find()
    except DeployerError as error:
        yield Check("docker", "missing", error.message, "stacks cannot be checked or deployed from here", error.help)
    else:
        yield Check("docker", "ok", f"{found.docker.path}, {found.compose.path}")
    if shutil.which("git") is None:
        yield Check("git", "missing", "not installed", "no commit can be read", "install git")
        return
    version = refs.git_version(folder)
    words = ".".join(map(str, version)) or "of an unknown version"
    if version and version < OLDEST_GIT:
        yield Check("git", "partly", words, "pushes may not work", f"git {'.'.join(map(str, OLDEST_GIT))} or newer")
    else:
        yield Check("git", "ok", words)


def walls(_folder: Path) -> Iterator[Check]:
    """What confines programs that read others' files."""
    yield from cage.checks()


def repository(folder: Path) -> Iterator[Check]:
    """What the repository's own configuration says of confinement."""
    try:
        found = git.find(folder)
    except UsageError:
        return  # none to ask
    try:
        off, most = says_off(refs.setting(found, SETTING)), bounds(found)
    except UsageError as error:
        yield Check("repository", "missing", error.message, "pushes to it are refused", error.help)
        return
    told = f"{SETTING} is {'off' if off else 'on'}; a push may take {most.seconds:g} s, {most.cpu:g} s of processor time, {most.memory // MIB} MiB"
    if off:
        means = (
            "programs that read its files, those of pushes too, can read every file of this account and use its network"
        )
        yield Check("repository", "missing", told, means, f"git --git-dir {found.git_dir} config --unset {SETTING}")
    else:
        yield Check("repository", "ok", told)


CHECKS: Final[tuple[Callable[[Path], Iterable[Check]], ...]] = (programs, walls, repository)
