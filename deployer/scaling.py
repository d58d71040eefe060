"""Counts that somebody asks for by hand: written into git, or live and nowhere else."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from deployer.compose.counts import rescale
from deployer.execute import execute
from deployer.lock.cluster import cluster_lock
from deployer.lock.file import file_lock
from deployer.lock.hold import Patience
from deployer.lock.holder import this_run
from deployer.memory.runs import new_id
from deployer.model.counts import Scaling, scale_message
from deployer.observe import observe
from deployer.plan import Plan, Report, scale_plan
from deployer.remote import Link
from deployer.source import commit_edited, load, lock_directory, with_secrets
from deployer.workflow import Listen, Say, Source, validate

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from deployer.model.counts import Wanted
    from deployer.model.observed import Observed


def scale(source: Source, say: Say, wanted: Sequence[Wanted]) -> Scaling:
    """Write the counts into the stack files and commit those alone; nothing is asked of any machine.

    UsageError for what is not there or has no count, GuardRefusedError where a file has changes that are not committed.
    """
    validated = validate(source, say)
    scaled, edited = rescale(validated.desired.stacks, validated.objects, wanted)
    if not edited:
        return Scaling(validated.desired.commit, (), committed=False)
    return Scaling(commit_edited(source.repo, edited, scale_message(scaled)), scaled, committed=True)


def scale_live(
    source: Source,
    say: Say,
    show: Callable[[Plan], None],
    listen: Listen,
    wanted: Sequence[Wanted],
    *,
    wait_lock: float = 0,
) -> Report:
    """Set the counts live and nowhere else: the next `apply` takes them back. Under the locks, as `apply` is."""
    desired = load(source.repo, rev=source.rev, worktree=source.worktree)
    cluster = with_secrets(desired.cluster)
    me, patience = this_run(desired.commit, new_id()), Patience(cluster.name, wait_lock, say)

    async def look(link: Link) -> tuple[Observed, Plan]:
        say(f"asking {len(cluster.nodes)} machines")
        observed = await observe(cluster, link)
        return observed, scale_plan(cluster.name, desired.commit, wanted, observed.swarm)

    async def run() -> Report:
        here = file_lock(lock_directory(source.repo), cluster.name, me, patience)
        async with here as killed, Link(cluster) as link:
            observed, decided = await look(link)
            async with cluster_lock(cluster, observed, link, me, patience, killed=killed) as held:
                if held:
                    _, decided = await look(link)
                show(decided)
                return await execute(decided, link, listen, say, held)

    return asyncio.run(run())
