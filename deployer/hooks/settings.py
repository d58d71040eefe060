"""How a repository takes pushes: its own git configuration in, checked values out."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from deployer.hooks.pushed import branch_name, seconds
from deployer.source import refs

if TYPE_CHECKING:
    from deployer.hooks.pushed import Options
    from deployer.source.git import Repository

BRANCH: Final = "main"
LOCK_WAIT: Final = "10m"


@dataclass(frozen=True)
class Settings:
    """The branch that is deployed, and how many seconds a deploy waits for others."""

    branch: str
    lock_wait: float


def settings(repository: Repository, options: Options) -> Settings:
    """`deployer.branch` and `deployer.lockWait`; `-o wait=` counts more. UsageError where one is no name or no duration."""
    wait = refs.setting(repository, "deployer.lockWait") or LOCK_WAIT
    return Settings(
        branch_name(refs.setting(repository, "deployer.branch") or BRANCH),
        seconds(wait, "deployer.lockWait") if options.wait is None else options.wait,
    )
