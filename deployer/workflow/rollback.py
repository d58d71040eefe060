"""Choose the earlier commit that a rollback applies."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from deployer.memory.history import find_good_before
from deployer.source import revision

if TYPE_CHECKING:
    from deployer.workflow.validate import Source


def choose_earlier(source: Source, stack: str, rev: str) -> Source:
    """Return what a rollback applies: an earlier commit or, if `stack` is not empty, only the files that it had there.

    `rev` names the commit; if it is empty, the repository's memory says which good one was before the present. UsageError if there
    is no such commit, or nothing to go back to.
    """
    commit = revision(source.repo, rev) if rev else find_good_before(source.repo, stack)
    return replace(source, only=(stack,), stacks=((stack, commit),)) if stack else replace(source, rev=commit)
