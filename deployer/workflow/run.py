"""The one run that changes a cluster: register, lock, look, decide, show, execute, record.

Every trigger goes through it: apply, push, watch, scale, rollback and maintenance. A trigger says who asks and why (`Trigger`), what
is to be done (`Work`), and whom the run speaks to (`Audience`). It never copies the run.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from contextlib import AbstractAsyncContextManager, AsyncExitStack
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from deployer.execute.broken import BrokenOffError
from deployer.execute.run import execute
from deployer.lock.cluster import cluster_lock, free_index
from deployer.lock.file import file_lock
from deployer.lock.hold import Patience
from deployer.lock.holder import this_run, whoami
from deployer.memory import runs
from deployer.memory.record import Record, remember
from deployer.model.stopping import never_stopped
from deployer.plan.steps import Plan
from deployer.report.result import sum_line
from deployer.source import lock_directory

if TYPE_CHECKING:
    from pathlib import Path

    from deployer.lock.hold import Held
    from deployer.lock.holder import Holder
    from deployer.memory.asked import Asked
    from deployer.memory.runs import Live
    from deployer.model.cluster import Cluster
    from deployer.model.observed import Observed
    from deployer.model.run import Scope
    from deployer.model.stopping import Stopping
    from deployer.plan.outcome import Event, Report
    from deployer.remote import Link
    from deployer.workflow.validate import Say

Show = Callable[[Plan], None]


@dataclass(frozen=True)
class Trigger:
    """Who asks for a run and why; and how many seconds it waits for other runs."""

    asked: Asked
    wait_lock: float = 0
    live: Live | None = None
    """The entry in `deployer runs`, if the process has made one already: then whoever made it says how the run ended."""


@dataclass(frozen=True)
class Audience:
    """Whom a run speaks to: lines of progress, the plan before the first write, events while steps run; and who may stop it.

    What `show` raises ends the run before its first write.
    """

    say: Say
    show: Show
    listen: Callable[[Event], None]
    stopping: Stopping = never_stopped


@dataclass(frozen=True)
class Locked:
    """What a run knows once it has the repository's own lock."""

    me: Holder
    patience: Patience
    killed: tuple[Holder, ...]
    """Who had the lock since a run last ended in good order, and died with it."""
    taken: int | None
    """How often Consul's lock had been taken before the cluster was looked at; None if nobody can say."""


Lock = Callable[[str, "Cluster", "Link"], Awaitable[Locked]]
"""Takes the repository's lock for a run of that commit on that cluster."""


@dataclass(frozen=True)
class Work:
    """What a run does on a cluster that has been looked at."""

    cluster: Cluster
    """Its Consul has the lock that keeps out runs from elsewhere; without a Consul only the repository's lock is taken."""
    link: Link
    locked: Locked
    observed: Observed
    look: Callable[[], Awaitable[Observed]]
    """Looks again: somebody else had the lock since `observed`."""
    decide: Callable[[Observed], Awaitable[Plan]]
    refuse: Callable[[Plan, Show], None]
    """Raises GuardRefusedError or UnreachableError if the plan must not run, and shows it before."""
    scope: Scope
    secrets: tuple[str, ...] = ()
    """What must not be kept in the memory."""
    drifts: bool = False
    """The cluster is not as git says once the run has ended well."""
    amend: Callable[[Report], Plan | None] = lambda _: None
    """Says what is to be done after the plan, however that ended."""


Begin = Callable[[Lock], AbstractAsyncContextManager[Work]]
"""Reads git, takes the lock as soon as the cluster is known, and looks at the machines."""


async def run(repo: Path, trigger: Trigger, audience: Audience, begin: Begin) -> Report:
    """Do it, and return what became of every step. The repository remembers the run; `deployer runs` lists it meanwhile.

    Nothing is written before `audience.show` got the plan. If there is nothing to do, Consul's lock is not taken. If another run had
    that lock since the cluster was looked at, it is looked at again. Raises what `begin` and `Work.refuse` raise, BusyError if
    another run holds one of the locks for longer than `trigger.wait_lock`, MovedError if the ref that was to move with the run was
    moved by somebody else.
    """
    asked = replace(trigger.asked, run=trigger.asked.run or runs.new_id(), who=trigger.asked.who or whoami())
    if trigger.live:
        return await _locked_run(repo, asked, trigger, audience, begin, trigger.live)
    with runs.register(runs.folder_of(repo), asked, asked.who) as live:
        try:
            report = await _locked_run(repo, asked, trigger, audience, begin, live)
        except BrokenOffError as bug:
            live.ended(runs.BUG, sum_line(bug.report))
            raise
        live.ended(report.exit_code, sum_line(report))
        if report.plan.empty:
            live.forget()
    return report


async def _locked_run(
    repo: Path, asked: Asked, trigger: Trigger, audience: Audience, begin: Begin, live: Live
) -> Report:
    async with AsyncExitStack() as locks:

        async def lock(commit: str, cluster: Cluster, link: Link) -> Locked:
            me, patience = this_run(commit, asked.run), Patience(cluster.name, trigger.wait_lock, audience.say)
            killed = await locks.enter_async_context(file_lock(lock_directory(repo), cluster.name, me, patience))
            return Locked(me, patience, killed, await free_index(cluster, link))

        async with begin(lock) as work:
            record = Record(
                repo, work.cluster.name, asked, audience.say, scope=work.scope, secrets=work.secrets, drifts=work.drifts
            )

            def show(plan: Plan) -> None:
                live.running(plan.commit)
                audience.show(plan)

            async def perform(plan: Plan, held: Held | None) -> Report:
                return await remember(record, plan, show, lambda plan: _execute(plan, work, audience, held, record))

            plan = await work.decide(work.observed)
            work.refuse(plan, audience.show)
            if not plan.steps:
                return await perform(plan, None)
            me, patience, killed = work.locked.me, work.locked.patience, work.locked.killed
            async with cluster_lock(work.cluster, work.observed, work.link, me, patience, killed=killed) as held:
                if held and held.index - 1 != work.locked.taken:
                    plan = await work.decide(await work.look())
                    work.refuse(plan, audience.show)
                return await perform(plan, held)


async def _execute(plan: Plan, work: Work, audience: Audience, held: Held | None, record: Record) -> Report:
    told = (work.link, audience.listen, audience.say, held)
    report = await execute(plan, *told, hide=record.hide, stopping=audience.stopping)
    after = work.amend(report)
    if after is None:
        return report
    return join(report, await execute(after, *told, hide=record.hide, stopping=audience.stopping))


def join(report: Report, after: Report) -> Report:
    """Return both as one report; the steps of `after` get the numbers that follow those of `report`."""
    first = len(report.plan.steps)
    shift = first if any(step.number <= first for step in after.plan.steps) else 0
    moved = tuple(
        replace(step, number=step.number + shift, needs=tuple(number + shift for number in step.needs))
        for step in after.plan.steps
    )
    return replace(
        report,
        plan=replace(report.plan, steps=(*report.plan.steps, *moved)),
        outcomes={**report.outcomes, **{number + shift: outcome for number, outcome in after.outcomes.items()}},
        seconds=report.seconds + after.seconds,
        stopped=report.stopped or after.stopped,
    )
