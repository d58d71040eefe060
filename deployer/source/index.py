"""Read what is staged, as the next commit would hold it: from the index by object id, never from the working tree."""

from __future__ import annotations

import os
from contextlib import closing
from dataclasses import replace
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Final

from deployer.errors import DeployerError
from deployer.model.problem import Problem
from deployer.source import git
from deployer.source.files import ATTRIBUTES, MANAGED, MOST_FILES, Files, Listed

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

STAGED: Final = "staged"
"""Stands where a commit's id would."""

_EMPTY: Final = "e69de29bb2d1d6434b8b29ae775ad8c2e48c5391"


def read(repository: git.Repository) -> Files:
    """All files under `cluster/` and `stacks/` that are staged; the same refusals as for a commit."""
    # The listing alone needs no working tree, but git wants one to be named.
    argv = ("--work-tree=.", "ls-files", "--stage", "-z", "--full-name", "--", *MANAGED, ATTRIBUTES)
    failed = DeployerError("git cannot read what is staged", help="`git fsck` says what is missing")
    unmerged: list[Problem] = []
    index = _index(repository)
    with closing(git.records(repository, argv, failed, index)) as lines:
        listed = list(islice(_merged(lines, unmerged), MOST_FILES + 1))
    announced = _announced(repository, index) if any(one.id == _EMPTY for one in listed) else frozenset()
    sizes = git.sizes(repository, (one.id for one in listed))
    sized = (replace(one, size=sizes.get(one.id, 0)) for one in listed if one.path not in announced)
    files = git.gather(repository, STAGED, sized)
    return Files(STAGED, files.entries, (*files.problems, *unmerged))


def _merged(lines: Iterable[bytes], unmerged: list[Problem]) -> Iterator[Listed]:
    for line in lines:
        about, _, path = line.partition(b"\t")
        mode, id_, stage = about.split()
        if stage == b"0":
            yield Listed(path, int(mode, 8), id_.decode(), 0)
            continue
        problem = Problem(
            path.decode(errors="backslashreplace"), 0, 0, "is not merged yet", "resolve the conflict, then `git add` it"
        )
        if problem not in unmerged[-3:]:  # one path has up to three stages, one after the other
            unmerged.append(problem)


def _announced(repository: git.Repository, index: str | None) -> frozenset[bytes]:
    """Files that `git add --intent-to-add` names: they stand in the index, empty, and are in no commit yet."""
    argv = ("diff-files", "-z", "--name-only", "--diff-filter=A", "--no-ext-diff", "--no-textconv")
    tree = git.toplevel(repository.path)
    if tree is None:
        return frozenset()
    failed = DeployerError("git cannot compare what is staged with the files", help="see `git status`")
    work = (f"--work-tree={tree}", *argv)
    with closing(git.records(repository, work, failed, index)) as lines:
        return frozenset(lines)


def _index(repository: git.Repository) -> str | None:
    """The index that a commit is being made from: `git commit FILE` and `git commit -a` use one of their own, and name it to hooks.

    One of another repository does not count: a hook there may ask about this one here.
    """
    named = os.environ.get("GIT_INDEX_FILE")
    if not named:
        return None
    where = Path(named)
    if not where.is_absolute():  # from the top of the working tree, where hooks run
        where = (git.toplevel(repository.path) or repository.path) / where
    return str(where) if where.resolve().parent == Path(repository.git_dir).resolve() else None
