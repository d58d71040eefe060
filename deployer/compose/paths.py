"""Paths in a stack's files: which file or folder of the stack one names, or why it may not be named."""

from __future__ import annotations

import posixpath
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, Literal

from deployer.compose.binds import becomes
from deployer.compose.mounts import NO_CHECKOUT, USE_CONFIG
from deployer.model.nearest import did_you_mean

if TYPE_CHECKING:
    from collections.abc import Mapping

_RELATIVE: Final = re.compile(r"(?![A-Za-z]:)[^/\\\\$].*", re.DOTALL)
"""A source of a bind in its long form that is no absolute path, of Windows neither: Compose takes it from the file's folder."""
REMOTE: Final = re.compile(r".*[:#]|github\.com/|.*\.git$", re.DOTALL)
"""What compose's loaders for git and OCI accept, and more: no path of a stack needs a ':' or '#'."""

_MOST_TO_COMPARE: Final = 500

Use = Literal["file", "folder"]


class RefusedError(Exception):
    """A file of the stack may not name this path. `message` says why, `help` what to write instead."""

    def __init__(self, message: str, help: str) -> None:
        super().__init__(message)
        self.message, self.help = message, help


@dataclass(frozen=True)
class Paths:
    """Of the files of one stack, whose folder in the repository is `root`."""

    root: str
    files: Mapping[str, bytes]

    def find(self, given: str, base: str, use: Use, *, optional: bool = False) -> str | None:
        """The path from the stack's folder (its own is ""); None where it may be missing and is. `RefusedError` for all else."""
        outside = f"{given!r} is outside {self.root}: only the stack's own files are read"
        advice = f"copy the file to {self.root}" if use == "file" else ""
        if REMOTE.match(given):
            raise RefusedError(f"{given!r} is not in this repository: only the stack's own files are read", advice)
        if given.startswith(("/", "~")) or "\\" in given or "\0" in given:
            raise RefusedError(outside, advice)
        path = posixpath.normpath(posixpath.join(base, given))
        if path == ".." or path.startswith(("../", "/")):
            raise RefusedError(outside, advice)
        if path in self.files or (use == "folder" and self._holds(path)):
            return "" if path == "." else path
        if optional:
            return None
        what = "folder" if use == "folder" else "file"
        raise RefusedError(f"there is no {what} {path!r} in {self.root}", self._nearest(path))

    def check_mount(self, item: Any, base: str) -> None:
        """A relative source cannot be on the machines unless it becomes something else there (binds.py)."""
        given: Mapping[str, Any] = item if isinstance(item, dict) else {}
        source = given.get("source") if given.get("type") == "bind" else item if isinstance(item, str) else None
        if not isinstance(source, str) or (source is item and ":" not in source):
            return
        if not source.startswith((".", "~")) and not (given and _RELATIVE.fullmatch(source)):
            return
        path = source if given else source.partition(":")[0]
        if path.startswith("~"):
            message = f"{path} is in the home directory of whoever deploys"
            raise RefusedError(message, "use a named volume, or an absolute path")
        read_only = given.get("read_only") is True if given else "ro" in source.split(":")[-1].split(",")
        inside = posixpath.normpath(posixpath.join(base, path))
        outside = inside == ".." or inside.startswith("../")
        if not outside and becomes(inside, self.files, read_only=read_only):
            return
        if outside:
            raise RefusedError(f"{path} is outside {self.root}: {NO_CHECKOUT}", USE_CONFIG)
        if read_only:
            message = f"there is no {inside} in {self.root}, and read-only it would stay empty"
            raise RefusedError(message, "commit it")
        raise RefusedError(f"there is no file {inside} in {self.root}", self._nearest(inside))

    def _holds(self, folder: str) -> bool:
        below = "" if folder == "." else f"{folder}/"
        return any(file.startswith(below) for file in self.files)

    def _nearest(self, path: str) -> str:
        files = sorted(self.files) if len(self.files) <= _MOST_TO_COMPARE else []  # it takes 0.1 ms for each of them
        return did_you_mean(path, files, "commit it, or remove the line")
