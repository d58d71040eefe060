"""Read, parse and validate a repository at one commit; every problem of all files is reported at once."""

from __future__ import annotations

import os
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from deployer.cage.doing import doing
from deployer.document import COMPOSE_TAGS, Document
from deployer.document.kept import parse_kept
from deployer.document.shelf import open_shelf
from deployer.errors import InvalidFilesError, UsageError
from deployer.model.allowed import EVERYTHING
from deployer.model.desired import Desired
from deployer.source import cluster, git, index, proxy, stacks, worktree
from deployer.source.files import MANAGED, REGULAR, Entry, Files
from deployer.source.layout import Layout, lay_out
from deployer.startup import defer_imports
from deployer.user_files import state_home

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from deployer.document.shelf import Shelf
    from deployer.model.allowed import Allowed
    from deployer.model.cluster import Cluster
    from deployer.model.counts import Edited
    from deployer.model.problem import Problem

with defer_imports():
    from deployer import document as documents


def load(
    repo: Path,
    *,
    rev: str = "HEAD",
    worktree: bool = False,
    staged: bool = False,
    stacks: Sequence[tuple[str, str]] = (),
) -> Desired:
    """The desired state at a commit of the repository at `repo`, of what is staged there, or of its files as they lie.

    `stacks` are (stack, revision): those whose files come from another commit. UsageError where there is no repository or no such commit; InvalidFilesError with all problems of all files.
    """
    return described(read_all(repo, rev=rev, worktree=worktree, staged=staged, stacks=stacks))


def read_all(
    repo: Path,
    *,
    rev: str = "HEAD",
    worktree: bool = False,
    staged: bool = False,
    stacks: Sequence[tuple[str, str]] = (),
) -> Files:
    """The files that `load` would describe. Raises UsageError as there."""
    files = read(repo, rev=rev, trial=worktree, staged=staged)
    for stack, other in stacks:
        files = exchanged(files, stack, read(repo, rev=other, trial=False))
    return files


def described(files: Files, *, keep: bool = False, allowed: Allowed = EVERYTHING) -> Desired:
    """The desired state that the files are; InvalidFilesError as `load`.

    `keep`: what they say is kept in the user's cache, and taken from there. `allowed`: what they may name on this machine.
    """
    return validate(parse_all(files, _shelf(keep=keep)), allowed)


def load_cluster(
    repo: Path, *, rev: str = "HEAD", worktree: bool = False, edited: Sequence[Edited] = ()
) -> tuple[str, Cluster]:
    """The commit and the machines alone: what asks for no stack does not depend on whether theirs are valid.

    `edited` are files as they would be.

    Raises what `load` raises, with the problems of the files under `cluster/`.
    """
    files = read(repo, rev=rev, trial=worktree, folders=MANAGED[:1])
    kept = {entry.path: entry for entry in files.entries}
    kept |= {one.path: Entry(one.path, REGULAR | 0o644, "", one.new) for one in edited}
    return files.commit, cluster_of(replace(files, entries=tuple(kept[path] for path in sorted(kept))))


def cluster_of(files: Files, *, keep: bool = False, allowed: Allowed = EVERYTHING) -> Cluster:
    """The machines alone, as `load_cluster`."""
    entries = tuple(entry for entry in files.entries if entry.path.startswith("cluster/"))
    found = tuple(problem for problem in files.problems if problem.path.startswith("cluster"))
    return described(replace(files, entries=entries, problems=found), keep=keep, allowed=allowed).cluster


def _shelf(*, keep: bool) -> Shelf | None:
    return open_shelf("documents") if keep else None


def lock_directory(repo: Path) -> Path:
    """Where this repository's lock files are: in its git directory, which linked work trees share.

    Where there is none that may be written, in the user's own state directory.
    """
    try:
        shared = Path(git.find(repo).common)
    except UsageError:
        shared = None
    if shared is not None and os.access(shared, os.W_OK):
        return shared / "deployer"
    return state_directory()


def state_directory() -> Path:
    """The user's own, for what is kept beside repositories."""
    return state_home() / "deployer"


def revision(repo: Path, rev: str) -> str:
    """The full id of a commit; UsageError where there is no repository or no such commit."""
    return git.resolve(git.find(repo), rev)


@dataclass(frozen=True)
class Parsed:
    """All files of a commit, those in YAML parsed (None where they could not be)."""

    commit: str
    layout: Layout
    cluster: Document | None
    nodes: Mapping[str, Document | None]
    stacks: Mapping[str, Document | None]
    problems: tuple[Problem, ...]


def read(repo: Path, *, rev: str, trial: bool, staged: bool = False, folders: tuple[str, ...] = MANAGED) -> Files:
    """The files of a commit; for a trial, of the directory; for what is to be committed, of the index."""
    if trial:
        root = repo if (repo / "cluster").is_dir() else git.toplevel(repo) or repo
        return worktree.read(root)
    repository = git.find(repo)
    if staged:
        return index.read(repository)
    return git.read(repository, git.resolve(repository, rev), folders)


def exchanged(files: Files, stack: str, other: Files) -> Files:
    """`files` with one stack as `other` has it; UsageError where that has none of the name."""

    def of_stack(path: str) -> bool:
        return path.startswith(f"stacks/{stack}/") or path in {f"stacks/{stack}.yaml", f"stacks/{stack}.yml"}

    theirs = [entry for entry in other.entries if of_stack(entry.path)]
    if not theirs:
        raise UsageError(f"{other.commit[:10]} has no stack {stack!r}", help="name a commit that has it")
    entries = [*(entry for entry in files.entries if not of_stack(entry.path)), *theirs]
    problems = [
        *(problem for problem in files.problems if not of_stack(problem.path)),
        *(problem for problem in other.problems if of_stack(problem.path)),
    ]
    return Files(files.commit, tuple(sorted(entries, key=lambda entry: entry.path)), tuple(problems))


def parse_all(files: Files, shelf: Shelf | None = None) -> Parsed:
    """Each YAML file once, and not at all where the `shelf` has it."""
    layout = lay_out(files)
    problems = [*files.problems, *layout.problems, *cluster.absent(layout.cluster, layout.nodes)]

    def document(entry: Entry, tags: frozenset[str] = frozenset()) -> Document | None:
        with doing(entry.path):
            if shelf is not None:
                read, found = parse_kept(shelf, entry.path, entry.data, tags=tags)
            else:
                read, found = documents.parse(entry.path, entry.data, tags=tags)
        problems.extend(found)
        return read

    cluster_document = document(layout.cluster) if layout.cluster is not None else None
    nodes = {name: document(entry) for name, entry in layout.nodes.items()}
    compose = {name: document(stack.compose, COMPOSE_TAGS) for name, stack in layout.stacks.items()}
    if shelf is not None:
        shelf.prune()
    return Parsed(files.commit, layout, cluster_document, nodes, compose, tuple(problems))


def validate(parsed: Parsed, allowed: Allowed = EVERYTHING) -> Desired:
    """The state that the files describe; InvalidFilesError where they describe none."""
    layout = parsed.layout
    complete = not any(problem.path.startswith("cluster") for problem in parsed.problems)
    names = tuple(parsed.nodes) if complete else None
    sources, also = stacks.validate(layout.stacks, parsed.stacks, names, allowed)
    compose = {source.name for source in sources if source.settings.mode == "compose"}
    wanted, found = cluster.validate(
        parsed.cluster,
        parsed.nodes,
        layout.known_hosts,
        stacks=bool(layout.stacks.keys() - compose),
        complete=complete,
        allowed=allowed,
    )
    if wanted is not None and wanted.proxy is not None and parsed.cluster is not None:
        also += proxy.problems(parsed.cluster, wanted.proxy, parsed.stacks)
    problems = sorted({*parsed.problems, *found, *also})
    if wanted is None or any(problem.severity == "error" for problem in problems):
        raise InvalidFilesError(problems)
    return Desired(parsed.commit, wanted, sources, tuple(problems))
