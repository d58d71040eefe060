"""Read a directory's files as they are: for trials, before anything is committed. The same refusals as for a commit."""

from __future__ import annotations

import os
import stat
from typing import TYPE_CHECKING, Final

from deployer.model.problem import Problem
from deployer.source.attributes import refuse_filtered
from deployer.source.files import ATTRIBUTES, LARGEST_FILE, MANAGED, Entry, Files, Listed, admit, content_problem
from deployer.source.git import executable

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

WORKTREE: Final = "worktree"
"""Stands where a commit's id would."""


def read(root: Path) -> Files:
    """All files under `cluster/` and `stacks/` of a directory, whether git knows them or not."""
    unreadable: list[Problem] = []
    admitted, problems = admit(_list(os.fsencode(root), unreadable))
    entries = []
    for path, listed in admitted:
        try:
            data = _bytes(os.path.join(os.fsencode(root), listed.path))
        except OSError as error:
            unreadable.append(_unreadable(path, error))
            continue
        problem = content_problem(path, data)
        if problem is None:
            entries.append(Entry(path, listed.mode, "", data))
        else:
            problems.append(problem)
    entries, filtered = refuse_filtered(executable, entries)
    return Files(WORKTREE, tuple(entries), (*problems, *filtered, *unreadable))


def _list(root: bytes, unreadable: list[Problem]) -> Iterator[Listed]:
    waiting = [name.encode() for name in reversed((*MANAGED, ATTRIBUTES))]
    while waiting:
        path = waiting.pop()
        where = os.path.join(root, path)
        try:
            status = os.lstat(where)
            if path == ATTRIBUTES.encode() and not stat.S_ISREG(status.st_mode):
                continue
            if stat.S_ISDIR(status.st_mode) and not path.endswith(b"/.git"):
                waiting += (path + b"/" + name for name in sorted(os.listdir(where), reverse=True))
                continue
        except FileNotFoundError:
            continue  # no such folder here, or just removed
        except OSError as error:
            unreadable.append(_unreadable(path.decode(errors="backslashreplace"), error))
            continue
        yield Listed(path, status.st_mode, "", status.st_size)


def _bytes(where: bytes) -> bytes:
    """The file's bytes, one more than are allowed at most; never through a link, never waiting at a pipe."""
    descriptor = os.open(where, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    with os.fdopen(descriptor, "rb") as file:
        if not stat.S_ISREG(os.fstat(descriptor).st_mode):
            raise OSError(0, "it is no regular file any more")
        data = file.read(LARGEST_FILE + 1)
    if len(data) > LARGEST_FILE:
        raise OSError(0, "it grew while it was read")
    return data


def _unreadable(path: str, error: OSError) -> Problem:
    return Problem(path, 0, 0, f"cannot be read: {error.strerror}", "check its owner and mode")
