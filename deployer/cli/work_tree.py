"""Where the repository is that a command is about."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path


def find_work_tree(directory: Path) -> Path:
    """The work tree that `directory` is in; itself where it is in none (a bare repository, or an error to come)."""
    return next((parent for parent in (directory, *directory.parents) if (parent / ".git").exists()), directory)
