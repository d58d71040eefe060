"""Ask the machines what runs and what it says. No stack's file is read."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from deployer.errors import UsageError
from deployer.model.nearest import did_you_mean
from deployer.observe.logs import observe_logs
from deployer.observe.running import observe_running
from deployer.remote import Link
from deployer.source import load_cluster, read_all
from deployer.source.layout import lay_out

if TYPE_CHECKING:
    from collections.abc import Callable

    from deployer.model.running import LogQuery, LogRecord, Running
    from deployer.workflow.validate import Source


async def ps(source: Source, stack: str = "", *, everything: bool = False) -> Running:
    """Return what runs on every machine, or of `stack` if it is not empty.

    UnreachableError if no machine answers; UsageError if nothing of such a stack runs, and git has none of that name.
    """
    _, cluster = load_cluster(source.repo, rev=source.rev, worktree=source.worktree)
    async with Link(cluster) as link:
        found = await observe_running(cluster, link, stack, everything=everything)
    if stack and not found.rows and stack not in (known := await asyncio.to_thread(_list_stacks, source)):
        listed = f"there are {', '.join(known)}" if known else "git has none"
        raise UsageError(f"there is no stack {stack[:100]!r}", help=did_you_mean(stack, known, listed))
    return found


async def logs(source: Source, query: LogQuery, tell: Callable[[LogRecord], None]) -> list[str]:
    """What a stack's tasks wrote, record by record. Returns what is missing of it, a line each."""
    _, cluster = load_cluster(source.repo, rev=source.rev, worktree=source.worktree)

    async with Link(cluster) as link:
        return await observe_logs(cluster, link, query, tell)


def _list_stacks(source: Source) -> list[str]:
    files = read_all(source.repo, rev=source.rev, worktree=source.worktree)
    return list(lay_out(files).stacks)
