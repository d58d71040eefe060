"""The user's own folders (XDG Base Directory Specification), and files that are written whole and for this user alone.

Nothing here makes a home folder: where HOME names one that is not there, writing below it fails with an OSError.
"""

from __future__ import annotations

import errno
import os
import pwd
from pathlib import Path
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Mapping

NO_HOME: Final = Path("/nonexistent")
LONGEST_FOLDER: Final = 80
"""Bytes of the path of a folder for sockets: a socket's own path may have 107."""


def home(environment: Mapping[str, str] | None = None) -> Path:
    """What HOME says; where it is unset or no absolute path, what the system knows."""
    told = (os.environ if environment is None else environment).get("HOME", "")
    if told.startswith("/"):
        return Path(told)
    try:
        return Path(pwd.getpwuid(os.getuid()).pw_dir)
    except KeyError:
        return NO_HOME


def cache_home(environment: Mapping[str, str] | None = None) -> Path:
    """For what can be made again."""
    return _folder("XDG_CACHE_HOME", ".cache", environment)


def config_home(environment: Mapping[str, str] | None = None) -> Path:
    """For settings: of this program, and of those that it starts."""
    return _folder("XDG_CONFIG_HOME", ".config", environment)


def data_home(environment: Mapping[str, str] | None = None) -> Path:
    """For what must not be lost."""
    return _folder("XDG_DATA_HOME", ".local/share", environment)


def state_home(environment: Mapping[str, str] | None = None) -> Path:
    """For what is kept between runs, and belongs to this machine: locks, logs."""
    return _folder("XDG_STATE_HOME", ".local/state", environment)


def _folder(variable: str, below_home: str, environment: Mapping[str, str] | None) -> Path:
    told = (os.environ if environment is None else environment).get(variable, "")
    return Path(told) if told.startswith("/") else home(environment) / below_home  # a relative one does not count


def folder_in_memory() -> str | None:
    """A directory in memory where there is one: files in it may hold passwords. None: wherever TMPDIR says."""
    runtime = os.environ.get("XDG_RUNTIME_DIR", "")
    usable = (
        runtime.startswith("/") and len(os.fsencode(runtime)) < LONGEST_FOLDER and os.access(runtime, os.W_OK | os.X_OK)
    )
    return runtime if usable else None


def make_private_folder(folder: Path, environment: Mapping[str, str] | None = None) -> None:
    """Make a folder for this user alone, with those above it, but never a home. Raises OSError."""
    base = home(environment)
    if folder.is_relative_to(base) and not base.is_dir():
        raise FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT), str(base))
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)


def write_whole(path: Path, data: bytes, *, mode: int = 0o600, lasting: bool = True) -> None:
    """Put a file in its place in one step: whoever reads it gets the old one or the new one, also after a power cut.

    `lasting=False` leaves the power cut out, where a lost file is no loss. Its folder has to be there. Raises OSError.
    """
    fresh = path.with_name(f".{path.name[:200]}.{os.urandom(8).hex()}")
    try:
        create_private(fresh, data, mode=mode, lasting=lasting)
        fresh.replace(path)
    except BaseException:
        fresh.unlink(missing_ok=True)
        raise


def create_private(path: Path, data: bytes, *, mode: int = 0o600, lasting: bool = False) -> None:
    """A new file for this user alone, unless `mode` says more. Never one that is there, never through a link: FileExistsError."""
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
    with os.fdopen(descriptor, "wb") as file:
        file.write(data)
        if mode != 0o600:
            os.fchmod(descriptor, mode)
        if lasting:
            file.flush()
            os.fsync(descriptor)
