"""A git commit (or, for trials, a directory) in, `Desired` out; every problem of all files at once.

`load` is the stage (repository.py). git.py and worktree.py read, layout.py says which file is what, typed.py turns documents into the
structs of deployer/model, cluster.py and stacks.py check what one file alone cannot tell.
"""

from __future__ import annotations

from deployer.source.repository import load, lock_directory
from deployer.source.secrets import with_secrets

__all__ = ["load", "lock_directory", "with_secrets"]
