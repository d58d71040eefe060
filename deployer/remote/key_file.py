"""Read a file with a key or a password. It must be a plain file of this user's own that nobody else may read.

A pipe is never waited at, a device never opened, and what is there is looked at once it is open.
"""

from __future__ import annotations

import os
import pwd
import stat
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from pathlib import Path

LARGEST: Final = 1 << 16
_KINDS: Final = {
    stat.S_IFIFO: "a pipe",
    stat.S_IFDIR: "a folder",
    stat.S_IFCHR: "a device",
    stat.S_IFBLK: "a device",
    stat.S_IFSOCK: "a socket",
    stat.S_IFLNK: "a symbolic link",
}


class KeyFileError(Exception):
    """`why` continues the file's name: " can be read by others", ": Permission denied". `help` says what to do."""

    def __init__(self, why: str, help: str) -> None:
        super().__init__(why)
        self.why, self.help = why, help


def read_key_file(path: Path, largest: int = LARGEST, *, follow: bool = False) -> bytes:
    """All of the file, at most `largest` bytes. Raises KeyFileError, with its own reason for each thing that is wrong.

    `follow`: a symbolic link will do. That is for places that the user chose, not for what a file in git names.
    """
    try:
        _check_kind(path.stat() if follow else path.lstat())
        flags = os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC | os.O_NOCTTY | (0 if follow else os.O_NOFOLLOW)
        descriptor = os.open(path, flags)
        with os.fdopen(descriptor, "rb") as file:
            found = os.fstat(descriptor)
            _check_kind(found)
            _check_owner(path, found)
            data = file.read(largest + 1)
    except OSError as error:
        raise KeyFileError(f": {error.strerror}", "it lies on the machine that runs deployer") from None
    except ValueError:  # a NUL in its name
        raise KeyFileError(": that is no file's name", "write a plain path") from None
    if len(data) > largest:
        raise KeyFileError(f" has more than {largest} bytes", "a key is short: is this the right file?")
    return data


def check_plain(path: Path) -> None:
    """Raises KeyFileError where something else than a plain file is there; nothing is opened."""
    try:
        _check_kind(path.stat())
    except (OSError, ValueError):
        return


def _check_kind(found: os.stat_result) -> None:
    if not stat.S_ISREG(found.st_mode):
        kind = _KINDS.get(stat.S_IFMT(found.st_mode), "something else")
        raise KeyFileError(f" is {kind}, not a plain file", "name the file itself")


def _check_owner(path: Path, found: os.stat_result) -> None:
    if found.st_uid not in {os.geteuid(), 0}:
        raise KeyFileError(f" belongs to {_name(found.st_uid)}", f"it is to be your own, or root's: chown {path}")
    if stat.S_IMODE(found.st_mode) & 0o077:
        raise KeyFileError(" can be read by others", f"chmod 600 {path}")


def _name(user: int) -> str:
    try:
        return pwd.getpwuid(user).pw_name
    except KeyError:
        return f"user {user}"
