"""Ask Consul what runs and who holds the cluster's lock, and take that lock away. No stack's file is read."""

from __future__ import annotations

from typing import TYPE_CHECKING

from deployer.consul.listing import list_services
from deployer.lock.unlock import locked_by as look_who_has_it
from deployer.lock.unlock import unlock as take_away
from deployer.remote import Link
from deployer.source import load_cluster, lock_directory, with_secrets

if TYPE_CHECKING:
    from collections.abc import Sequence

    from deployer.lock.holder import Holder
    from deployer.model.cluster import Cluster
    from deployer.model.services import Services
    from deployer.workflow.validate import Say, Source


async def services(source: Source, say: Say, names: Sequence[str] = ()) -> Services:
    """What the catalogue says runs: all of it, or the services of those names. Reads, never writes.

    UsageError where the cluster has no Consul, UnreachableError where it cannot be asked, DeployerError where it knows
    no service of one of the names.
    """
    cluster = _cluster_of(source)

    async with Link(cluster) as link:
        say("asking Consul")
        return await list_services(cluster, link, names)


async def locked_by(source: Source) -> tuple[str, Holder | None]:
    """The cluster's name, and who holds its lock in Consul. Raises BusyError, and UnreachableError, as `unlock` does."""
    cluster = _cluster_of(source)

    async with Link(cluster) as link:
        return cluster.name, await look_who_has_it(cluster, link, lock_directory(source.repo))


async def unlock(source: Source, lock: str, reason: str) -> tuple[str, Holder | None]:
    """Take the lock of that id from its holder; the cluster's name, and None where nobody holds its lock.

    GuardRefusedError where the lock has another id by now, BusyError where a live process of this machine holds the
    repository's own lock, UnreachableError where Consul cannot be asked.
    """
    cluster = _cluster_of(source)

    async with Link(cluster) as link:
        return cluster.name, await take_away(cluster, link, lock_directory(source.repo), lock, reason)


def _cluster_of(source: Source) -> Cluster:
    """With the secrets of this machine: what asks Consul has no need of stacks, compiled or valid."""
    return with_secrets(load_cluster(source.repo, rev=source.rev, worktree=source.worktree)[1])
