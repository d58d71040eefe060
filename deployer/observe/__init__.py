"""The cluster in, one snapshot out. Read only."""

from deployer.observe.snapshot import observe

__all__ = ["observe"]
