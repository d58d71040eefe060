"""A plan in, a report out: what was shown is what runs."""

from deployer.execute.lock import locked
from deployer.execute.run import execute

__all__ = ["execute", "locked"]
