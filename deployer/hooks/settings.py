"""How a repository takes pushes: its own git configuration in, checked values out."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from deployer.errors import UsageError
from deployer.hooks.pushed import branch_name, seconds
from deployer.source import refs

if TYPE_CHECKING:
    from deployer.hooks.pushed import Options
    from deployer.source.git import Repository

BRANCH: Final = "main"
LOCK_WAIT: Final = "10m"
GATE: Final = "deployer.gate"
PROC_RECEIVE: Final = "receive.procReceiveRefs"


@dataclass(frozen=True)
class Settings:
    """The branch that is deployed, how many seconds a deploy waits for others, and whether a failed one refuses the push."""

    branch: str
    lock_wait: float
    gate: bool = False

    @property
    def ref(self) -> str:
        return f"refs/heads/{self.branch}"


def settings(repository: Repository, options: Options) -> Settings:
    """`deployer.branch`, `deployer.lockWait`, `deployer.gate`; `-o wait=` counts more. UsageError where one has no such value."""
    gate = refs.setting(repository, GATE)
    if gate not in {"", "none", "apply"}:
        raise UsageError(f"{GATE}: {gate[:60]!r} is none of apply, none", help=f"git config {GATE} apply")
    wait = refs.setting(repository, "deployer.lockWait") or LOCK_WAIT
    return Settings(
        branch_name(refs.setting(repository, "deployer.branch") or BRANCH),
        seconds(wait, "deployer.lockWait") if options.wait is None else options.wait,
        gate == "apply",
    )


def has_gate(repository: Repository, chosen: Settings, ref: str) -> bool:
    """Whether pushes of a ref are decided by their deploy: it is the branch's, and git hands it to proc-receive."""
    return chosen.gate and ref == chosen.ref and ref in refs.every_setting(repository, PROC_RECEIVE)
