"""A directory of the user's own with what need not be made twice: entries by name, written in one step, gone after 30 days.

It may be missing, unwritable or full: then nothing is kept, and nobody is told. An entry's name is a hash of everything that it
depends on; nothing in it is ever changed.
"""

from __future__ import annotations

import contextlib
import os
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from deployer.user_files import cache_home, make_private_folder, write_whole

KEPT_DAYS: Final = 30
_DAY: Final = 86_400.0
_PRUNED: Final = "pruned"


@dataclass(frozen=True)
class Shelf:
    """Entries in `folder`."""

    folder: Path
    trusted: bool = True
    """False where the directory is somebody else's: what they wrote there is not what we would have."""

    def get(self, name: str) -> bytes | None:
        """What was put there; None where nothing is, or it cannot be read."""
        if not self.trusted:
            return None
        try:
            with open(f"{self.folder}/{name}", "rb") as file:  # noqa: PTH123 - twice as fast as Path.open
                return file.read()
        except OSError:
            return None

    def put(self, name: str, data: bytes) -> None:
        if self.trusted:
            with contextlib.suppress(OSError):
                make_private_folder(self.folder)
                write_whole(self.folder / name, data, lasting=False)

    def prune(self) -> None:
        """Removes entries that are older than 30 days, and leftovers of interrupted writes; once a day at most."""
        if not self.trusted:
            return
        now = time.time()
        stamp = self.folder / _PRUNED
        with contextlib.suppress(OSError):
            if stamp.exists() and now - stamp.stat().st_mtime < _DAY:
                return
            stamp.touch(mode=0o600)
            for entry in os.scandir(self.folder):
                if entry.stat(follow_symlinks=False).st_mtime < now - KEPT_DAYS * _DAY:
                    Path(entry.path).unlink(missing_ok=True)


def open_shelf(kind: str, folder: Path | None = None) -> Shelf:
    """The one in `folder`, by default the user's own for entries of this kind."""
    place = folder or cache_home() / "deployer" / kind
    try:
        trusted = place.stat().st_uid == os.geteuid()
    except OSError:  # not there yet
        trusted = True
    return Shelf(place, trusted)
