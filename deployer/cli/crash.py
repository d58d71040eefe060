"""Describe an unexpected exception in a private file."""

from __future__ import annotations

import contextlib
import os
import platform
import shlex
import tempfile
import traceback
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from deployer import __version__
from deployer.user_files import create_private, make_private_folder, state_home

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence


def write_crash_log(argv: Sequence[str], error: BaseException, environment: Mapping[str, str]) -> str:
    """The path of a new file with version, command line and traceback, readable by this user only.

    It lies in the user's own state directory, in a temporary one where that cannot be written. Local variables are left out: they hold secrets.
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
    data = text.encode(errors="backslashreplace")
    with contextlib.suppress(OSError):
        return _create(state_home(environment) / "deployer" / name, data, environment)
    with contextlib.suppress(OSError):
        return _create(Path(tempfile.mkdtemp(prefix="deployer-"), name), data, environment)
    return "no file (nothing can be written)"


def _create(path: Path, data: bytes, environment: Mapping[str, str]) -> str:
    make_private_folder(path.parent, environment)
    create_private(path, data)
    return str(path)
