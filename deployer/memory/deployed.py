"""Which commit is deployed: refs under refs/deployer/CLUSTER, which `git log --decorate` shows and others can fetch.

`deployed` stands at the commit that was applied last as a whole, with success; `unfinished` at one whose deploy began and
did not succeed, or concerned some stacks only, and is there only as long. `history` has a commit for each run.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from deployer.source import refs

if TYPE_CHECKING:
    from deployer.source.git import Repository

PREFIX: Final = "refs/deployer/"
DEPLOYED: Final = "/deployed"
UNFINISHED: Final = "/unfinished"
HISTORY: Final = "/history"


@dataclass(frozen=True)
class Same:
    """What is deployed, where another commit has the same files."""

    cluster: str
    commit: str


def find_same(repository: Repository, commit: str) -> Same | None:
    """The deployed commit whose `cluster/` and `stacks/` are those of `commit`; None where it is unknown or its deploy is in doubt."""
    stands = refs.values(repository, PREFIX)
    doubtful = any(name.endswith(UNFINISHED) for name in stands)
    deployed = [(ref, id_) for ref, id_ in stands.items() if ref.endswith(DEPLOYED)]
    wanted = refs.contents(repository, commit) if deployed and not doubtful else b""
    for ref, id_ in deployed:
        if wanted and refs.contents(repository, id_) == wanted:
            return Same(ref.removeprefix(PREFIX).removesuffix(DEPLOYED), id_)
    return None


def record_same(repository: Repository, same: Same, commit: str) -> bool:
    """Say that `commit` is what is deployed, since it has the files of what is. False where another run was quicker."""
    return refs.record(repository, f"{PREFIX}{same.cluster}{DEPLOYED}", commit, same.commit)
