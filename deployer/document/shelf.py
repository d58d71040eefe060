"""A directory of the user's own with what need not be made twice: entries by name, written in one step, gone after 30 days.

It may be missing, unwritable or full: then nothing is kept, and nobody is told. An entry's name is a hash of everything that it
depends on; nothing in it is ever changed.
"""

from __future__ import annotations

import contextlib
import os
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Final

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
                _write(self.folder, name, data)

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
    """The one in `folder`, by default $XDG_CACHE_HOME/deployer/KIND."""
    place = folder or _home() / "deployer" / kind
    try:
        trusted = place.stat().st_uid == os.geteuid()
    except OSError:  # not there yet
        trusted = True
    return Shelf(place, trusted)


def _home() -> Path:
    home = os.environ.get("XDG_CACHE_HOME", "")
    # The specification says to ignore a relative path.
    return Path(home) if home.startswith("/") else Path(os.environ.get("HOME") or "/nonexistent", ".cache")


def _write(folder: Path, name: str, data: bytes) -> None:
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    descriptor, temporary = tempfile.mkstemp(prefix=".", dir=folder)  # 0600, and nobody else's file
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(data)
        Path(temporary).replace(folder / name)
    except BaseException:
        Path(temporary).unlink(missing_ok=True)
        raise
