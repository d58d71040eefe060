"""Desired and observed in, changes out. Pure."""

from deployer.diff.builds import wanted_builds
from deployer.diff.change import Blocked, Cause, Change, Diff, Field
from deployer.diff.cluster import diff
from deployer.diff.guards import concerning, deployed_commits, refusals
from deployer.diff.images import wanted_images, with_digests
from deployer.diff.status import status

__all__ = [
    "Blocked", "Cause", "Change", "Diff", "Field", "concerning", "deployed_commits", "diff", "refusals", "status",
    "wanted_builds", "wanted_images", "with_digests",
]  # fmt: skip
