"""The whole data flow, one line a stage; the only place where the stages meet.

source ─> compose ─> observe ─> diff ─> plan ─> execute ─> report
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextlib import AsyncExitStack
from dataclasses import dataclass, replace
from importlib import import_module
from typing import TYPE_CHECKING, Final

from deployer.beginning import begun, opened
from deployer.memory.asked import Asked
from deployer.model.consent import NOTHING
from deployer.model.run import Scope
from deployer.observe import observe, observe_builds, observe_holders, observe_images, observe_registrations
from deployer.remote import Link
from deployer.source import load_cluster, lock_directory, revision, stands, undisturbed
from deployer.validation import Say, Source, Validated, validate

if TYPE_CHECKING:
    from deployer.beginning import Look
    from deployer.diff import Blocked, Diff
    from deployer.lock.hold import Patience
    from deployer.lock.holder import Holder
    from deployer.model.cluster import Cluster
    from deployer.model.consent import Consent
    from deployer.model.desired import Desired
    from deployer.model.observed import Observed
    from deployer.model.status import Status
    from deployer.plan import Event, Plan, Report

__all__ = ["Listen", "Say", "Source", "Validated", "validate"]

Listen = Callable[["Event"], None]


@dataclass(frozen=True)
class _Locked:
    """What an apply sees while it has the repository's own lock: `killed` is who had it last and died, `taken` how often Consul's was."""

    me: Holder
    patience: Patience
    killed: Holder | None
    taken: int | None
    observed: Observed


LATER: Final = ("deployer.diff.cluster", "deployer.plan.build", "deployer.report.plan")
"""What nobody needs until the machines have answered: imported while they are waited for."""


def _import_later() -> None:
    for name in LATER:
        import_module(name)


def cluster_name(source: Source) -> str:
    return load_cluster(source.repo, rev=source.rev)[1].name


def plan(source: Source, say: Say, consent: Consent = NOTHING) -> Plan:
    """What `apply` would do now, and what guards say against it. Reads, never writes."""

    async def look() -> Plan:
        async with begun(source, say, _observing(say)) as (validated, link, observed):
            return (await _compare(validated, observed, link, say, consent))[1]

    return asyncio.run(look())


def plan_of(validated: Validated, say: Say, consent: Consent = NOTHING) -> Plan:
    """The same, of what has been validated already."""
    validated = opened(validated)

    async def look() -> Plan:
        async with Link(validated.desired.cluster) as link:
            observed = await _observed(validated.desired.cluster, link, say)
            return (await _compare(validated, observed, link, say, consent))[1]

    return asyncio.run(look())


def apply(
    source: Source,
    say: Say,
    show: Callable[[Plan], None],
    listen: Listen,
    *,
    wait_lock: float = 0,
    asked: Asked = Asked(),  # noqa: B008 - frozen
    consent: Consent = NOTHING,
) -> Report:
    """Make it so. `show` gets the plan before the first write; the report says what became of every step of it.

    GuardRefusedError, once it was shown, where a guard says no to what `consent` does not name. BusyError where another
    run holds one of the cluster's locks for longer than `wait_lock` seconds. Where there is nothing to do, Consul's is not taken; where there is, and another
    run had it since the cluster was looked at, that is done again: it may have changed everything. What `show` raises ends the run before its first write. The repository remembers
    the run, with what `asked` says of it; BusyError where the ref that was to move with it was moved by somebody else.
    """
    from deployer.execute import execute  # noqa: PLC0415 - plans do without
    from deployer.lock.cluster import cluster_lock, free_index  # noqa: PLC0415 - as above
    from deployer.lock.file import file_lock  # noqa: PLC0415 - as above
    from deployer.lock.hold import Patience  # noqa: PLC0415 - as above
    from deployer.lock.holder import this_run  # noqa: PLC0415 - as above
    from deployer.memory.record import Record, remembered  # noqa: PLC0415 - as above
    from deployer.memory.runs import new_id  # noqa: PLC0415 - as above
    from deployer.memory.secrets import known_secrets  # noqa: PLC0415 - as above
    from deployer.plan import refuse  # noqa: PLC0415 - as above

    async def run() -> Report:
        async with AsyncExitStack() as locks:

            async def look(commit: str, cluster: Cluster, link: Link) -> _Locked:
                me, patience = this_run(commit, asked.run or new_id()), Patience(cluster.name, wait_lock, say)
                lock = file_lock(lock_directory(source.repo), cluster.name, me, patience)
                killed = await locks.enter_async_context(lock)
                taken = await free_index(cluster, link)
                return _Locked(me, patience, killed, taken, await _observed(cluster, link, say))

            async with begun(source, say, look) as (validated, link, seen):
                desired, me, observed = validated.desired, seen.me, seen.observed
                agreed = replace(consent, going_back=consent.going_back or asked.via == "rollback")
                record = Record(
                    source.repo,
                    desired.cluster.name,
                    replace(asked, run=me.run, who=asked.who or me.who),
                    say,
                    scope=Scope(source.only, source.stacks),
                    secrets=known_secrets(desired, validated.objects),
                )
                _, decided = await _compare(validated, observed, link, say, agreed)
                refuse(decided, show)
                if not decided.steps:
                    return await remembered(record, decided, show, lambda plan: execute(plan, link, listen, say))
                lock = cluster_lock(desired.cluster, observed, link, me, seen.patience, killed=seen.killed)
                async with lock as held:
                    if held and held.index - 1 != seen.taken:
                        observed = await _observed(desired.cluster, link, say)
                        _, decided = await _compare(validated, observed, link, say, agreed)
                        refuse(decided, show)
                    return await remembered(
                        record, decided, show, lambda plan: execute(plan, link, listen, say, held, record.hide)
                    )

    return asyncio.run(run())


def earlier(source: Source, stack: str, rev: str) -> Source:
    """What a rollback applies: an earlier commit, or of `stack` (where it is not empty) the files that it had there and nothing else.

    `rev` names the commit; empty for the last good one before the present, by the repository's memory. UsageError where
    there is no such commit, or nothing to go back to.
    """
    from deployer.memory.history import before  # noqa: PLC0415 - for this alone

    commit = revision(source.repo, rev) if rev else before(source.repo, stack)
    return replace(source, only=(stack,), stacks=((stack, commit),)) if stack else replace(source, rev=commit)


def status(source: Source, say: Say) -> Status:
    """How the cluster is, against what git says. Reads, never writes."""

    async def look() -> Status:
        async with begun(source, say, _observing(say)) as (validated, link, observed):
            differences, _ = await _compare(validated, observed, link, say)
            from deployer.diff.status import status as status_of  # noqa: PLC0415 - see LATER

            registered = await observe_registrations(validated.desired.cluster, observed, link)
            return status_of(validated.desired, validated.objects, observed, differences, registered)

    return asyncio.run(look())


def _observing(say: Say) -> Look[Observed]:
    async def look(_commit: str, cluster: Cluster, link: Link) -> Observed:
        return await _observed(cluster, link, say)

    return look


async def _observed(cluster: Cluster, link: Link, say: Say) -> Observed:
    count = len(cluster.nodes)
    say(f"asking {count} machine{'' if count == 1 else 's'}")
    later = asyncio.create_task(asyncio.to_thread(_import_later))
    observed = await observe(cluster, link)
    await later
    return observed


async def _compare(
    validated: Validated, observed: Observed, link: Link, say: Say, consent: Consent | None = None
) -> tuple[Diff, Plan]:
    desired, objects = validated.desired, validated.objects
    from deployer.diff import (  # noqa: PLC0415 - see LATER
        concerning,
        deployed_commits,
        diff,
        missing_stacks,
        new_ports,
        refusals,
        wanted_builds,
        wanted_images,
        with_digests,
        with_gone,
        with_held,
    )  # fmt: skip
    from deployer.plan import build_plan, restricted  # noqa: PLC0415 - see LATER

    wanted = wanted_images(desired, objects, observed)
    images = await observe_images(wanted, observed.swarm.via if observed.swarm else "", link, say)
    objects = with_digests(desired, objects, observed, images)
    built = await observe_builds(wanted_builds(objects, observed), observed, link)
    differences = diff(desired, objects, observed, built)
    if lacking := missing_stacks(differences, observed):
        same = undisturbed(validated.source.repo, desired.commit, desired.cluster.name, lacking)
        differences = with_gone(differences, desired, same)
    held = await observe_holders(*new_ports(differences, observed, desired.cluster), link)
    differences = _with_places(with_held(differences, observed, desired.cluster, held), desired)
    refused: tuple[Blocked, ...] = ()
    if consent is not None and (changes := concerning(differences, validated.source.only)):
        labelled = deployed_commits(observed, desired.cluster.name)
        deployed = stands(validated.source.repo, desired.commit, desired.cluster.name, labelled)
        refused = refusals(changes, desired, observed, deployed, consent)
    decided = build_plan(differences, desired, objects, observed, refused)
    return differences, restricted(decided, validated.source.only, desired)


def _with_places(differences: Diff, desired: Desired) -> Diff:
    """What cannot be done for something that stands in a stack's file says where."""
    if not any(one.at for one in differences.blocked):
        return differences
    from deployer.compose.place import Places  # noqa: PLC0415 - only where something is wrong

    places = Places({stack.name: stack for stack in desired.stacks})

    def located(one: Blocked) -> Blocked:
        found = places.problem(one.stack, one.at, one.reason) if one.at else None
        return replace(one, place=f"{found.path}:{found.line}:{found.column}") if found else one

    return replace(differences, blocked=tuple(map(located, differences.blocked)))
