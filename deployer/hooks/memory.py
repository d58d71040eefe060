"""Which commit is deployed: refs under refs/deployer/CLUSTER, which `git log --decorate` shows and others can fetch.

`deployed` stands at the commit that was applied last with success; `unfinished` at one whose deploy began and did not
succeed, and is there only as long. Both are moved from the value that was seen, never over somebody else's.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Self

from deployer.source import refs

if TYPE_CHECKING:
    from deployer.source.git import Repository

PREFIX: Final = "refs/deployer/"
DEPLOYED: Final = "/deployed"
UNFINISHED: Final = "/unfinished"


@dataclass(frozen=True)
class Same:
    """What is deployed, where another commit has the same files."""

    cluster: str
    commit: str


def unchanged(repository: Repository, commit: str) -> Same | None:
    """The deployed commit whose `cluster/` and `stacks/` are those of `commit`; None where it is unknown or its deploy is in doubt."""
    stands = refs.values(repository, PREFIX)
    wanted = refs.contents(repository, commit)
    for ref, deployed in stands.items():
        cluster = ref.removeprefix(PREFIX).removesuffix(DEPLOYED)
        doubtful = any(name.endswith(UNFINISHED) for name in stands)
        if ref.endswith(DEPLOYED) and wanted and not doubtful and refs.contents(repository, deployed) == wanted:
            return Same(cluster, deployed)
    return None


def still(repository: Repository, same: Same, commit: str) -> bool:
    """Say that `commit` is what is deployed, since it has the files of what is. False where another run was quicker."""
    return refs.record(repository, f"{PREFIX}{same.cluster}{DEPLOYED}", commit, same.commit)


@dataclass(frozen=True)
class Attempt:
    """A deploy that began: what stood in the refs before."""

    repository: Repository
    cluster: str
    commit: str
    deployed: str
    unfinished: str

    @classmethod
    def begin(cls, repository: Repository, cluster: str, commit: str) -> Self:
        """Mark it first and look at the branch afterwards: who pushes in between then sees one of the two."""
        stands = refs.values(repository, f"{PREFIX}{cluster}/")
        attempt = cls(
            repository,
            cluster,
            commit,
            stands.get(f"{PREFIX}{cluster}{DEPLOYED}", ""),
            stands.get(f"{PREFIX}{cluster}{UNFINISHED}", ""),
        )
        refs.record(repository, f"{PREFIX}{cluster}{UNFINISHED}", commit, attempt.unfinished)
        return attempt

    def withdraw(self) -> None:
        """Nothing was done after all."""
        refs.record(self.repository, f"{PREFIX}{self.cluster}{UNFINISHED}", self.unfinished, self.commit)

    def succeed(self) -> bool:
        """False where the ref of what is deployed was moved by somebody else in the meantime."""
        recorded = refs.record(self.repository, f"{PREFIX}{self.cluster}{DEPLOYED}", self.commit, self.deployed)
        refs.record(self.repository, f"{PREFIX}{self.cluster}{UNFINISHED}", "", self.commit)
        return recorded
