"""Consul, the cluster's catalogue."""

from deployer.consul.catalogue import Catalogue, ConsulError

__all__ = ["Catalogue", "ConsulError"]
