"""What four machines need of this one's kernel."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

INOTIFY = Path("/proc/sys/fs/inotify/max_user_instances")
INOTIFY_NEEDED = 1024


def ensure_inotify(say: Callable[[str], None], file: Path = INOTIFY) -> None:
    """Raise `file`, the number of inotify instances that one user may have, where it is too low.

    All machines share root's: four with Docker and a few containers take some 40 of the usual 128, and a program
    that gets none fails in ways that do not say so (kind's known issues: "too many open files").
    """
    try:
        if int(file.read_text(encoding="ascii")) >= INOTIFY_NEEDED:
            return
        if os.access(file, os.W_OK):
            file.write_text(str(INOTIFY_NEEDED), encoding="ascii")
            say(f"kernel: fs.inotify.max_user_instances is {INOTIFY_NEEDED} until the next boot")
        else:
            say(
                f"kernel: fs.inotify.max_user_instances is below {INOTIFY_NEEDED}; programs in the machines may miss some"
            )
    except OSError:
        return  # no such limit here
