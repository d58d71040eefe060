"""Commit edited files, and them alone, as the user and in their working tree."""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING

from deployer.errors import DeployerError, GuardRefusedError, UsageError
from deployer.source import git
from deployer.user_files import write_whole

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from deployer.model.counts import Edited


def commit_edited(repo: Path, edited: Sequence[Edited], message: str) -> str:
    """The new commit's id. The user's name, hooks and signature count; what else they have staged stays staged.

    GuardRefusedError where one of the files is not as HEAD has it, UsageError where there is no working tree,
    DeployerError with git's own words where it refuses: then the files are as they were.
    """
    tree = _tree(repo)
    paths = [one.path for one in edited]
    for one in edited:
        changed = git.own(tree, "status", "--porcelain", "--", one.path, advice="see `git status`")
        if changed or _content(tree / one.path) != one.old:
            raise GuardRefusedError(
                f"{one.path} has changes that are not committed",
                help="commit them or put them away (git stash), then again",
            )
    written: list[Edited] = []
    try:
        for one in edited:
            written.append(one)
            _write(tree / one.path, one.new)
        new = [one.path for one in edited if one.old is None]
        if new:  # `commit --only` takes none that git does not know
            git.own(tree, "add", "--intent-to-add", "--", *new, advice="see `git status`")
        advice = "nothing is committed, and the files are as they were"
        git.own(tree, "commit", "--quiet", "--only", f"--message={message}", "--", *paths, advice=advice)
        return git.own(tree, "rev-parse", "HEAD", advice="see `git log`")
    except BaseException:
        _take_back(tree, written)
        for one in written:
            if one.old is None:
                git.own(tree, "rm", "--cached", "--quiet", "--ignore-unmatch", "--", one.path, advice="", expect=False)
        raise


def write_edited(repo: Path, edited: Sequence[Edited]) -> None:
    """The files alone, all of them or none; what to commit is left to the user. Raises what `commit_edited` raises."""
    tree = _tree(repo)
    written: list[Edited] = []
    try:
        for one in edited:
            written.append(one)
            _write(tree / one.path, one.new)
    except OSError as error:
        _take_back(tree, written)
        raise DeployerError(
            f"{error.filename} cannot be written: {error.strerror}", help="nothing is changed"
        ) from None
    except BaseException:
        _take_back(tree, written)
        raise


def content(repo: Path, path: str) -> bytes | None:
    """What a file of the working tree holds; None where it is not there."""
    return _content(_tree(repo) / path)


def commit_removed(repo: Path, path: str, message: str) -> str:
    """The id of a new commit without this file, and with nothing else changed. Raises what `commit_edited` raises."""
    tree = _tree(repo)
    if git.own(tree, "status", "--porcelain", "--", path, advice="see `git status`"):
        raise GuardRefusedError(
            f"{path} has changes that are not committed", help="commit them or put them away (git stash), then again"
        )
    kept = (tree / path).read_bytes()
    try:
        (tree / path).unlink()
        advice = "nothing is committed, and the file is as it was"
        git.own(tree, "commit", "--quiet", "--only", f"--message={message}", "--", path, advice=advice)
        return git.own(tree, "rev-parse", "HEAD", advice="see `git log`")
    except BaseException:
        (tree / path).write_bytes(kept)
        raise


def in_worktree(repo: Path, path: str) -> Path:
    """Where that file of the repository lies. UsageError where there is no working tree."""
    return _tree(repo) / path


def _tree(repo: Path) -> Path:
    git.find(repo)
    tree = git.toplevel(repo)
    if tree is None:
        raise UsageError(f"{repo} is a bare repository: there is no file to edit", help="run this in a clone of it")
    return tree


def _content(path: Path) -> bytes | None:
    try:
        return path.read_bytes()
    except FileNotFoundError:
        return None


def _take_back(tree: Path, written: Sequence[Edited]) -> None:
    for one in written:
        with contextlib.suppress(OSError):
            if one.old is None:
                (tree / one.path).unlink(missing_ok=True)
            else:
                _write(tree / one.path, one.old)


def _write(path: Path, data: bytes) -> None:
    """In one step, with the mode that the file has: nobody reads half of it."""
    path.parent.mkdir(parents=True, exist_ok=True)
    write_whole(path, data, mode=path.stat().st_mode & 0o7777 if path.exists() else 0o644)
