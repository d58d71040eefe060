"""Where private folders are made: for files that programs read, and for sockets."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from pathlib import Path

_LONGEST_FOLDER: Final = 80  # a socket's path may have 107 bytes


def folder_in_memory() -> str | None:
    """A directory in memory where there is one: files in it may hold passwords. None: wherever TMPDIR says."""
    runtime = os.environ.get("XDG_RUNTIME_DIR", "")
    usable = (
        runtime.startswith("/")
        and len(os.fsencode(runtime)) < _LONGEST_FOLDER
        and os.access(runtime, os.W_OK | os.X_OK)
    )
    return runtime if usable else None


def write_private(path: Path, data: bytes) -> None:
    """A new file for this user alone; never one that is there already, and never through a link (FAULTS.md, S-10)."""
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, 0o600)
    with os.fdopen(descriptor, "wb") as file:
        file.write(data)
