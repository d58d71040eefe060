"""An unexpected exception in, a private file that describes it out."""

from __future__ import annotations

import os
import platform
import shlex
import tempfile
import traceback
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from deployer import __version__

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence


def write_crash_log(argv: Sequence[str], error: BaseException, environment: Mapping[str, str]) -> str:
    """The path of a new file with version, command line and traceback, readable by this user only.

    It lies under $XDG_STATE_HOME/deployer (XDG Base Directory Specification), in a temporary directory where that cannot be
    written. Local variables are left out: they hold secrets.
    """
    now = datetime.now(UTC)
    text = "\n".join(
        [
            f"deployer {__version__}, Python {platform.python_version()}, {platform.platform()}, {now.isoformat()}",
            f"deployer {shlex.join(argv)}",
            "",
            "".join(traceback.TracebackException.from_exception(error, capture_locals=False).format()),
        ]
    )
    name = f"error-{now:%Y%m%dT%H%M%S%f}-{os.getpid()}.log"
    home = environment.get("XDG_STATE_HOME", "")
    state = Path(home) if Path(home).is_absolute() else Path(environment.get("HOME", "/nonexistent"), ".local", "state")
    try:
        return _written(state / "deployer", name, text)
    except OSError:
        try:
            return _written(Path(tempfile.mkdtemp(prefix="deployer-")), name, text)
        except OSError:
            return "no file (nothing can be written)"


def _written(directory: Path, name: str, text: str) -> str:
    directory.mkdir(mode=0o700, parents=True, exist_ok=True)
    descriptor = os.open(directory / name, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w", encoding="utf-8", errors="backslashreplace") as file:
        file.write(text)
    return str(directory / name)
