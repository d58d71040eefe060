"""A plan in, a report out: what was shown is what runs."""

from deployer.execute.holder import this_run
from deployer.execute.lock import Patience, cluster_lock
from deployer.execute.lock_file import file_lock
from deployer.execute.run import BrokenOffError, execute

__all__ = ["BrokenOffError", "Patience", "cluster_lock", "execute", "file_lock", "this_run"]
