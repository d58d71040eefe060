"""One run of upkeep: the cluster's files in, the lock, a look, a plan that is shown, that very plan executed, a report out.

The same stages as `apply` (workflow.py), with other plans: nothing is compiled, as no stack changes.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from deployer.errors import GuardRefusedError, UnreachableError, UsageError
from deployer.execute import execute
from deployer.lock.cluster import cluster_lock
from deployer.lock.file import file_lock
from deployer.lock.hold import Patience
from deployer.lock.holder import this_run
from deployer.memory.runs import new_id
from deployer.observe import observe
from deployer.plan import Event, Plan, Report, describe
from deployer.remote import Link
from deployer.source import load, lock_directory, with_secrets
from deployer.upkeep.amends import amends, joined

if TYPE_CHECKING:
    from collections.abc import Sequence

    from deployer.lock.hold import Held
    from deployer.model.cluster import Cluster
    from deployer.model.desired import Desired
    from deployer.model.observed import Observed
    from deployer.workflow import Source

Say = Callable[[str], None]


@dataclass(frozen=True)
class Shown:
    """Where a run's words go: lines of progress, its plan, its events."""

    say: Say
    show: Callable[[Plan], None]
    listen: Callable[[Event], None]


@dataclass(frozen=True)
class Seen:
    """What a plan is made from: what git says, and one look at the cluster."""

    desired: Desired
    observed: Observed
    link: Link
    say: Say


Decide = Callable[[Seen], Awaitable[Plan]]


@dataclass(frozen=True)
class Terms:
    """`dry`: the plan is shown and nothing is done. `alone`: without Consul's lock, as the run takes Consul itself away.

    `strict`: anything in the way stops all of it; else what can be done is done, and the report names the rest.
    """

    wait_lock: float = 0
    dry: bool = False
    alone: bool = False
    strict: bool = True
    confirm: Callable[[Plan], bool] = lambda _: True
    """Asked once the plan has been shown, before anything is done."""
    machines: tuple[str, ...] | None = None
    """Those that are looked at; None for all."""


def desired_of(source: Source) -> Desired:
    """What git says of the machines, with the secrets that it names. Raises InvalidFilesError."""
    desired = load(source.repo, rev=source.rev, worktree=source.worktree)
    return replace(desired, cluster=with_secrets(desired.cluster), stacks=())


def named(cluster: Cluster, names: Sequence[str]) -> tuple[str, ...]:
    """The names, each once and each a machine of the cluster. Raises UsageError."""
    known = [node.name for node in cluster.nodes]
    if unknown := [name for name in names if name not in known]:
        raise UsageError(
            f"there is no machine {', '.join(map(repr, unknown))} in cluster {cluster.name}",
            help=f"there are {', '.join(known)}",
        )
    return tuple(dict.fromkeys(names))


def takes_consul_away(cluster: Cluster, names: Sequence[str]) -> bool:
    """Whether one of Consul's servers is among these machines: the lock may be held through that very one, and be lost with it."""
    return any(node.consul_server for node in cluster.nodes if node.name in names)


def tend(source: Source, desired: Desired, decide: Decide, shown: Shown, terms: Terms) -> Report:
    """Do what `decide` makes of a look at the cluster. Always shows the plan before the first write.

    Raises GuardRefusedError where something is in the way (the plan that was shown says what), UnreachableError where a
    machine of the plan cannot be reached and nothing was done, and BusyError as `apply` does.
    """
    me, patience = this_run(desired.commit, new_id()), Patience(desired.cluster.name, terms.wait_lock, shown.say)

    async def run() -> Report:
        here = file_lock(lock_directory(source.repo), desired.cluster.name, me, patience)
        async with here as killed, Link(desired.cluster) as link:
            observed, decided = await _decided(desired, decide, link, shown, terms)
            if terms.dry or not decided.steps:
                if decided.blocked or not terms.dry:
                    shown.show(decided)
                _refuse(decided, terms)
                return Report(decided)
            locked = replace(desired.cluster, consul=None) if terms.alone else desired.cluster
            if terms.alone and desired.cluster.consul:
                shown.say("a server of Consul goes away meanwhile: only runs from this repository are locked out")
            async with cluster_lock(locked, observed, link, me, patience, killed=killed) as held:
                if held:
                    _, decided = await _decided(desired, decide, link, shown, terms)
                shown.show(decided)
                _refuse(decided, terms)
                if not terms.confirm(decided):
                    raise GuardRefusedError("nothing was done: it was not confirmed")
                return await _done(decided, link, shown, held)

    return asyncio.run(run())


async def _decided(desired: Desired, decide: Decide, link: Link, shown: Shown, terms: Terms) -> tuple[Observed, Plan]:
    some = terms.machines
    cluster = desired.cluster
    if some is not None:
        cluster = replace(cluster, nodes=tuple(node for node in cluster.nodes if node.name in some))
    shown.say(f"asking {len(cluster.nodes)} machine{'' if len(cluster.nodes) == 1 else 's'}")
    observed = await observe(cluster, link)
    return observed, await decide(Seen(replace(desired, cluster=cluster), observed, link, shown.say))


async def _done(decided: Plan, link: Link, shown: Shown, held: Held | None) -> Report:
    """Execute it; then what puts machines back into service that were taken out of it and then not worked on."""
    report = await execute(decided, link, shown.listen, shown.say, held)
    back = amends(report)
    if not back.steps:
        return report
    shown.say(f"putting back into service: {', '.join(describe(step.operation)[0] for step in back.steps)}")
    return joined(report, await execute(back, link, shown.listen, shown.say, held))


def _refuse(decided: Plan, terms: Terms) -> None:
    if not decided.blocked or not terms.strict:
        return
    count = len(decided.blocked)
    reason = f"nothing was done: {count} {'thing is' if count == 1 else 'things are'} in the way"
    if all(obstacle.unreachable for obstacle in decided.blocked):
        raise UnreachableError(reason, help="; ".join(f"{one.subject}: {one.reason}" for one in decided.blocked))
    raise GuardRefusedError(reason, help="they are named above, each with what to do")
