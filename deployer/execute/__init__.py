"""A plan in, a report out: what was shown is what runs."""

from deployer.execute.lock import locked
from deployer.execute.run import BrokenOffError, execute

__all__ = ["BrokenOffError", "execute", "locked"]
