"""Ask the machines what runs and what it says. No stack's file is read."""

from __future__ import annotations

from typing import TYPE_CHECKING

from deployer.observe.logs import observe_logs
from deployer.observe.running import observe_running
from deployer.remote import Link
from deployer.source import load_cluster

if TYPE_CHECKING:
    from collections.abc import Callable

    from deployer.model.running import LogQuery, LogRecord, Running
    from deployer.workflow.validate import Source


async def ps(source: Source, stack: str = "", *, everything: bool = False) -> Running:
    """What runs on every machine. Reads, never writes. Raises UnreachableError where no machine answers."""
    _, cluster = load_cluster(source.repo, rev=source.rev, worktree=source.worktree)

    async with Link(cluster) as link:
        return await observe_running(cluster, link, stack, everything=everything)


async def logs(source: Source, query: LogQuery, tell: Callable[[LogRecord], None]) -> list[str]:
    """What a stack's tasks wrote, record by record. Returns what is missing of it, a line each."""
    _, cluster = load_cluster(source.repo, rev=source.rev, worktree=source.worktree)

    async with Link(cluster) as link:
        return await observe_logs(cluster, link, query, tell)
