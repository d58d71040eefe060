"""From a git commit (or, for trials, a directory) to `Desired`; every problem of all files is reported at once.

`load` is the stage (repository.py). git.py and worktree.py read, layout.py says which file is what, typed.py turns documents into the
structs of deployer/model, cluster.py and stacks.py check what one file alone cannot tell.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from deployer.source.commit import commit_edited, commit_removed, in_worktree
    from deployer.source.confinement import uncaged
    from deployer.source.files import Files
    from deployer.source.history import stands, undisturbed
    from deployer.source.repository import (
        cluster_of,
        described,
        load,
        load_cluster,
        lock_directory,
        read_all,
        revision,
    )
    from deployer.source.secrets import with_secrets

__all__ = [
    "Files", "cluster_of", "commit_edited", "commit_removed", "described", "in_worktree", "load", "load_cluster", "lock_directory",
    "read_all", "revision", "stands", "uncaged", "undisturbed", "with_secrets",
]  # fmt: skip

_WHERE: Final = {
    "Files": "files",
    "cluster_of": "repository",
    "described": "repository",
    "read_all": "repository",
    "commit_edited": "commit",
    "commit_removed": "commit",
    "in_worktree": "commit",
    "load": "repository",
    "load_cluster": "repository",
    "lock_directory": "repository",
    "revision": "repository",
    "stands": "history",
    "uncaged": "confinement",
    "undisturbed": "history",
    "with_secrets": "secrets",
}


def __getattr__(name: str) -> Any:
    """Git alone, which hooks ask first, does without the parsers: they take 0.1 s to import."""
    if name not in _WHERE:
        raise AttributeError(name)
    return getattr(import_module(f"deployer.source.{_WHERE[name]}"), name)
