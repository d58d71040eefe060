"""A repository in, the runs that were out, the newest first; and from them what there is to go back to."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from deployer.errors import UsageError
from deployer.memory.deployed import HISTORY, PREFIX
from deployer.memory.entry import parse
from deployer.model.run import SUPERSEDED, Entry
from deployer.model.stack import STACK_PATTERN
from deployer.source import git, refs

if TYPE_CHECKING:
    from pathlib import Path

LOOKED_AT: Final = 1_000
"""Runs of a cluster that are looked at for one of them."""
FETCH: Final = "the runs of another repository: git fetch REMOTE 'refs/deployer/*:refs/deployer/*'"


def entries(repo: Path, most: int = LOOKED_AT) -> list[Entry]:
    """The newest runs of all clusters of a repository; none where none was kept. UsageError where there is no repository."""
    repository = git.find(repo)
    found: list[Entry] = []
    for ref in refs.values(repository, PREFIX):
        cluster = ref.removeprefix(PREFIX).removesuffix(HISTORY)
        if ref.endswith(HISTORY):
            told = (parse(cluster, id_, text) for id_, text in refs.messages(repository, ref, most))
            found += [entry for entry in told if entry]
    if len({entry.cluster for entry in found}) > 1:  # each one's are in order already, whatever the clock said
        found.sort(key=lambda entry: entry.began, reverse=True)
    return found[:most]


def find(repo: Path, name: str) -> Entry:
    """The run of that name, of which the beginning or the end is enough; the newest for an empty one. UsageError for none, or several."""
    known = entries(repo)
    if not known:
        raise UsageError("no run is kept in this repository", help=FETCH)
    if not name:
        return known[0]
    fitting = [one for one in known if one.run.startswith(name) or one.run.endswith(name) or one.id == name]
    exact = [one for one in fitting if one.run == name] or fitting
    if len(exact) == 1:
        return exact[0]
    if exact:
        several = ", ".join(one.run for one in exact[:5])
        raise UsageError(f"{len(exact)} runs are named {name[:60]!r}: {several}", help="say more of it")
    raise UsageError(f"there is no run {name[:60]!r}", help="`deployer history` lists them")


def read_kept(repo: Path, entry: Entry, name: str) -> str:
    """A file that is kept of a run; empty where there is none of that name."""
    data = refs.file(git.find(repo), entry.id, name) if entry.id else None
    return (data or b"").decode(errors="replace")


def find_good_before(repo: Path, stack: str = "") -> str:
    """The last good commit before the present one, or that of a stack: what to go back to. UsageError where none is known.

    The present one is that of the newest run, good or not. A good one has a run of the whole repository (or one that
    concerned the stack) that ended well, and other files. One that the present commit follows comes first, so that going
    back twice goes back further, and not forth again.
    """
    repository = git.find(repo)
    ran = [one for one in entries(repo) if one.result != SUPERSEDED]
    of_cluster = [one for one in ran if one.cluster == ran[0].cluster]
    stood = [(one, one.stands(stack) if stack else one.commit) for one in of_cluster if stack or one.scope.whole]
    stood = [(one, commit) for one, commit in stood if re.fullmatch("[0-9a-f]{40}", commit)]
    if not stood:
        raise UsageError(
            f"no run{f' of {stack}' if stack else ''} is kept in this repository", help=f"name a commit; {FETCH}"
        )
    present = stood[0][1]
    files = refs.contents(repository, present, *_paths(stack))
    found = ""
    for commit in dict.fromkeys(commit for one, commit in stood if one.good and commit != present):
        if refs.contents(repository, commit, *_paths(stack)) in {files, b""}:
            continue
        if refs.follows(repository, present, commit):
            return commit
        if not refs.follows(repository, commit, present):
            found = found or commit
    if found:
        return found
    of = f" of {stack}" if stack else ""
    raise UsageError(f"no good commit{of} is known before {present[:10]}", help="name one: deployer rollback REV")


def is_stack(repo: Path, rev: str, name: str) -> bool:
    """Whether a commit has a stack of that name; its files need not be valid."""
    if not re.fullmatch(STACK_PATTERN, name):
        return False
    repository = git.find(repo)
    return bool(refs.contents(repository, git.resolve(repository, rev), *_paths(name)))


def agreement(repo: Path, rev: str, commit: str, stack: str = "") -> str:
    """The command that makes `rev` say what `commit` says; empty where it does."""
    repository = git.find(repo)
    now = git.resolve(repository, rev)
    if refs.contents(repository, now, *_paths(stack)) == refs.contents(repository, commit, *_paths(stack)):
        return ""
    short = commit[:10]
    if not stack and refs.follows(repository, now, commit) and not refs.merges(repository, commit, now):
        return f"git revert --no-edit {short}..{rev}"
    where = f"stacks/{stack}" if stack else "cluster stacks"
    return f"git restore --source={short} --staged --worktree -- {where} && git commit -m 'Back to {short}'"


def _paths(stack: str) -> tuple[str, ...]:
    return (f"stacks/{stack}", f"stacks/{stack}.yaml", f"stacks/{stack}.yml") if stack else ()
