"""Where private folders are made: for files that programs read, and for sockets."""

from __future__ import annotations

import os
from typing import Final

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
