"""What differs between what git says and what was observed. Pure."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from deployer.diff.cause import Cause
    from deployer.diff.change import Blocked, Diff
    from deployer.diff.changes import Change
    from deployer.diff.cluster import diff
    from deployer.diff.gone import missing_stacks, with_gone
    from deployer.diff.guards import concerning, deployed_commits, refusals
    from deployer.diff.held import new_ports, with_held
    from deployer.diff.images import wanted_builds, wanted_images, with_digests
    from deployer.diff.proxy import with_proxy

__all__ = [
    "Blocked",
    "Cause",
    "Change",
    "Diff",
    "concerning",
    "deployed_commits",
    "diff",
    "missing_stacks",
    "new_ports",
    "refusals",
    "wanted_builds",
    "wanted_images",
    "with_digests",
    "with_gone",
    "with_held",
    "with_proxy",
]

_WHERE: Final = {
    "Blocked": "change",
    "Cause": "cause",
    "Change": "changes",
    "Diff": "change",
    "concerning": "guards",
    "deployed_commits": "guards",
    "diff": "cluster",
    "missing_stacks": "gone",
    "new_ports": "held",
    "refusals": "guards",
    "wanted_builds": "images",
    "wanted_images": "images",
    "with_digests": "images",
    "with_gone": "gone",
    "with_held": "held",
    "with_proxy": "proxy",
}


def __getattr__(name: str) -> Any:
    """What only prints a plan does without the comparing. (`status` is a module here: import its function from there.)"""
    if name not in _WHERE:
        raise AttributeError(name)
    return getattr(import_module(f"deployer.diff.{_WHERE[name]}"), name)
