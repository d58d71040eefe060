"""Edited files in, one commit of them alone out: made as the user, in their working tree."""

from __future__ import annotations

import contextlib
import os
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

from deployer.errors import GuardRefusedError, UsageError
from deployer.source import git

if TYPE_CHECKING:
    from collections.abc import Sequence

    from deployer.model.counts import Edited


def commit_edited(repo: Path, edited: Sequence[Edited], message: str) -> str:
    """The new commit's id. The user's name, hooks and signature count; what else they have staged stays staged.

    GuardRefusedError where one of the files is not as HEAD has it, UsageError where there is no working tree,
    DeployerError with git's own words where it refuses: then the files are as they were.
    """
    git.find(repo)
    tree = git.toplevel(repo)
    if tree is None:
        raise UsageError(f"{repo} is a bare repository: there is no file to edit", help="run this in a clone of it")
    paths = [one.path for one in edited]
    for one in edited:
        changed = git.own(tree, "status", "--porcelain", "--", one.path, advice="see `git status`")
        if changed or (tree / one.path).read_bytes() != one.old:
            raise GuardRefusedError(
                f"{one.path} has changes that are not committed",
                help="commit them or put them away (git stash), then again",
            )
    written: list[Edited] = []
    try:
        for one in edited:
            written.append(one)
            _write(tree / one.path, one.new)
        advice = "nothing is committed, and the files are as they were"
        git.own(tree, "commit", "--quiet", "--only", f"--message={message}", "--", *paths, advice=advice)
        return git.own(tree, "rev-parse", "HEAD", advice="see `git log`")
    except BaseException:
        for one in written:
            with contextlib.suppress(OSError):
                _write(tree / one.path, one.old)
        raise


def _write(path: Path, data: bytes) -> None:
    """In one step, with the mode that the file has: nobody reads half of it."""
    descriptor, temporary = tempfile.mkstemp(prefix=f".{path.name}.", dir=path.parent)
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(data)
            os.fchmod(file.fileno(), path.stat().st_mode & 0o7777)
        Path(temporary).replace(path)
    except BaseException:
        Path(temporary).unlink(missing_ok=True)
        raise
