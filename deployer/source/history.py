"""How the commit that is to be applied and the one that is deployed stand to each other."""

from __future__ import annotations

from typing import TYPE_CHECKING

from deployer.errors import UsageError
from deployer.model.history import Deployed
from deployer.source import git, refs

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from deployer.model.history import Place


def stands(repo: Path, commit: str, cluster: str, labelled: Iterable[str]) -> Deployed | None:
    """The deployed commit, and where `commit` stands to it; None where nothing is known to be deployed, or for a trial.

    What is deployed says the repository's own ref (memory/deployed.py), else the labels of what runs, `labelled`: the newest
    of them that the repository has. One that it does not have may be newer, except where its history was cut off.
    """
    repository = _repository(repo) if _whole(commit) else None
    if repository is None:
        return None
    recorded = refs.value(repository, f"refs/deployer/{cluster}/deployed")
    known = [recorded] if recorded else sorted({one for one in labelled if _whole(one)})
    there = [one for one in known if refs.is_commit(repository, one)]
    missing = [one for one in known if one not in there]
    if missing and not refs.shallow(repository):
        return Deployed(missing[0], "missing")
    if not there:
        return None
    newest = next((one for one in there if all(refs.follows(repository, one, other) for other in there)), there[-1])
    return Deployed(newest, _place(repository, commit, newest))


def undisturbed(repo: Path, commit: str, cluster: str, stacks: Iterable[str]) -> frozenset[str]:
    """Of these stacks, those with the very files that they had when all of the cluster was deployed last, with success."""
    repository = _repository(repo) if _whole(commit) else None
    recorded = refs.value(repository, f"refs/deployer/{cluster}/deployed") if repository else ""
    if repository is None or not recorded or not refs.is_commit(repository, recorded):
        return frozenset()

    def files(of: str, stack: str) -> bytes:
        return refs.contents(repository, of, *(f"stacks/{stack}{suffix}" for suffix in ("", ".yaml", ".yml")))

    return frozenset(one for one in stacks if (now := files(commit, one)) and now == files(recorded, one))


def _place(repository: git.Repository, commit: str, deployed: str) -> Place:
    if refs.follows(repository, commit, deployed):
        return "follows"
    if refs.follows(repository, deployed, commit):
        return "older"
    return "follows" if refs.related(repository, commit, deployed) else "unrelated"


def _repository(path: Path) -> git.Repository | None:
    try:
        return git.find(path)
    except UsageError:
        return None


def _whole(text: str) -> bool:
    try:
        git.full_id(text)
    except ValueError:
        return False
    return True
