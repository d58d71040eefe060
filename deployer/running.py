"""What runs and what it says, what Consul knows, and who holds its lock: the workflows that ask the cluster alone, and need nothing of the stacks' files.

source ─> observe ─> report
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from deployer.observe.logs import observe_logs
from deployer.observe.running import observe_running
from deployer.remote import Link
from deployer.source import load_cluster, lock_directory, with_secrets

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from deployer.lock.holder import Holder
    from deployer.model.cluster import Cluster
    from deployer.model.running import LogQuery, LogRecord, Running
    from deployer.model.services import Services
    from deployer.workflow import Say, Source


def ps(source: Source, stack: str = "", *, everything: bool = False) -> Running:
    """What runs on every machine. Reads, never writes. Raises UnreachableError where no machine answers."""
    _, cluster = load_cluster(source.repo, rev=source.rev, worktree=source.worktree)

    async def look() -> Running:
        async with Link(cluster) as link:
            return await observe_running(cluster, link, stack, everything=everything)

    return asyncio.run(look())


def logs(source: Source, query: LogQuery, tell: Callable[[LogRecord], None]) -> list[str]:
    """What a stack's tasks wrote, record by record. Returns what is missing of it, a line each."""
    _, cluster = load_cluster(source.repo, rev=source.rev, worktree=source.worktree)

    async def look() -> list[str]:
        async with Link(cluster) as link:
            return await observe_logs(cluster, link, query, tell)

    return asyncio.run(look())


def services(source: Source, say: Say, names: Sequence[str] = ()) -> Services:
    """What the catalogue says runs: all of it, or the services of those names. Reads, never writes.

    UsageError where the cluster has no Consul, UnreachableError where it cannot be asked, DeployerError where it knows
    no service of one of the names.
    """
    from deployer.consul.listing import list_services  # noqa: PLC0415 - py-consul costs 0.1 s, other commands do without

    cluster = _cluster_of(source)

    async def look() -> Services:
        async with Link(cluster) as link:
            say("asking Consul")
            return await list_services(cluster, link, names)

    return asyncio.run(look())


def locked_by(source: Source) -> tuple[str, Holder | None]:
    """The cluster's name, and who holds its lock in Consul. Raises BusyError, and UnreachableError, as `unlock` does."""
    from deployer.lock.unlock import locked_by as look  # noqa: PLC0415 - py-consul costs 0.1 s, other commands do without

    cluster = _cluster_of(source)

    async def ask() -> Holder | None:
        async with Link(cluster) as link:
            return await look(cluster, link, lock_directory(source.repo))

    return cluster.name, asyncio.run(ask())


def unlock(source: Source, lock: str, reason: str) -> tuple[str, Holder | None]:
    """Take the lock of that id from its holder; the cluster's name, and None where nobody holds its lock.

    GuardRefusedError where the lock has another id by now, BusyError where a live process of this machine holds the
    repository's own lock, UnreachableError where Consul cannot be asked.
    """
    from deployer.lock.unlock import unlock as take  # noqa: PLC0415 - py-consul costs 0.1 s, other commands do without

    cluster = _cluster_of(source)

    async def ask() -> Holder | None:
        async with Link(cluster) as link:
            return await take(cluster, link, lock_directory(source.repo), lock, reason)

    return cluster.name, asyncio.run(ask())


def _cluster_of(source: Source) -> Cluster:
    """With the secrets of this machine: what asks Consul has no need of stacks, compiled or valid."""
    return with_secrets(load_cluster(source.repo, rev=source.rev, worktree=source.worktree)[1])
