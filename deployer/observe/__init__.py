"""Look at the cluster: one snapshot. Read only."""

from deployer.observe.builds import observe_builds
from deployer.observe.holders import observe_holders
from deployer.observe.images import observe_images
from deployer.observe.registrations import observe_registrations
from deployer.observe.snapshot import observe

__all__ = ["observe", "observe_builds", "observe_holders", "observe_images", "observe_registrations"]
