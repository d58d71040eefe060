"""Run a plan that no difference between git and the cluster makes: machines are restarted, counts are set live. No stack is compiled."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from functools import partial
from typing import TYPE_CHECKING

from deployer.errors import GuardRefusedError, UnreachableError, UsageError
from deployer.memory.asked import Asked
from deployer.model.run import Scope
from deployer.plan.operations import describe
from deployer.plan.outcome import Report
from deployer.plan.steps import Plan
from deployer.remote import Link
from deployer.source import load, with_secrets
from deployer.workflow.amends import plan_amends
from deployer.workflow.observe import observe_cluster
from deployer.workflow.run import Trigger, Work, run

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Sequence

    from deployer.model.cluster import Cluster
    from deployer.model.desired import Desired
    from deployer.model.observed import Observed
    from deployer.model.run import Via
    from deployer.workflow.run import Audience, Lock, Show
    from deployer.workflow.validate import Say, Source


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
    """How a plan of maintenance runs.

    `dry`: the plan is returned and nothing is done. `alone`: without Consul's lock, since the run takes Consul itself away.
    `strict`: one obstacle stops all of it; else what can be done is done, and the report names the rest. `drifts`: the cluster is
    not as git says afterwards, and the next `apply` takes it back. `stacks`: those that it concerns, if it concerns stacks.
    """

    trigger: Trigger
    dry: bool = False
    alone: bool = False
    strict: bool = True
    drifts: bool = False
    confirm: Callable[[Plan], bool] = lambda _: True
    """Asked once the plan has been shown, before anything is done."""
    machines: tuple[str, ...] | None = None
    """The machines that are looked at; None for all."""
    stacks: tuple[str, ...] = ()


def make_terms(via: Via, wait_lock: float = 0, *, dry: bool = False) -> Terms:
    """Return the terms of a command: `via` is its group, as `deployer history` tells it; `wait_lock` in seconds."""
    return Terms(Trigger(Asked(via), wait_lock), dry)


def read_desired(source: Source) -> Desired:
    """Return what git says of the machines, with the secrets that it names, without stacks. Raises InvalidFilesError."""
    desired = load(source.repo, rev=source.rev, worktree=source.worktree)
    return replace(desired, cluster=with_secrets(desired.cluster), stacks=())


def check_names(cluster: Cluster, names: Sequence[str]) -> tuple[str, ...]:
    """Return the names, each once. UsageError if one of them is no machine of the cluster."""
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


async def maintain(source: Source, desired: Desired, decide: Decide, audience: Audience, terms: Terms) -> Report:
    """Do what `decide` makes of a look at the cluster, and return what became of it.

    GuardRefusedError if something is in the way (the plan that was shown says what), UnreachableError if a machine of the plan cannot
    be reached and nothing was done; everything else as `run` raises it.
    """
    cluster = desired.cluster
    if terms.machines is not None:
        cluster = replace(cluster, nodes=tuple(node for node in cluster.nodes if node.name in terms.machines))
    locked = replace(desired.cluster, consul=None) if terms.alone else desired.cluster

    async def decide_of(observed: Observed, link: Link) -> Plan:
        return await decide(Seen(replace(desired, cluster=cluster), observed, link, audience.say))

    if terms.dry:
        async with Link(desired.cluster) as link:
            plan = await decide_of(await observe_cluster(cluster, link, audience.say), link)
        _refuse(plan, audience.show, strict=terms.strict)
        return Report(plan)

    @asynccontextmanager
    async def begin(lock: Lock) -> AsyncIterator[Work]:
        async with Link(desired.cluster) as link:
            ours = await lock(desired.commit, locked, link)

            async def look() -> Observed:
                return await observe_cluster(cluster, link, audience.say)

            observed = await look()
            if terms.alone and desired.cluster.consul:
                audience.say("a server of Consul goes away meanwhile: only runs from this repository are locked out")
            yield Work(
                locked,
                link,
                ours,
                observed,
                look,
                lambda observed: decide_of(observed, link),
                partial(_refuse, strict=terms.strict),
                Scope(terms.stacks, live=True),
                amend=lambda report: _amend(report, audience.say),
                drifts=terms.drifts,
            )

    def show(plan: Plan) -> None:
        audience.show(plan)
        if plan.steps and not terms.confirm(plan):
            raise GuardRefusedError("nothing was done: it was not confirmed")

    return await run(source.repo, terms.trigger, replace(audience, show=show), begin)


def _amend(report: Report, say: Say) -> Plan | None:
    """Plan what puts machines back into service that were taken out of it and then not worked on."""
    back = plan_amends(report)
    if not back.steps:
        return None
    say(f"putting back into service: {', '.join(describe(step.operation)[0] for step in back.steps)}")
    return back


def _refuse(plan: Plan, show: Show, *, strict: bool) -> None:
    if not plan.blocked or not strict:
        return
    show(plan)
    count = len(plan.blocked)
    reason = f"nothing was done: {count} {'thing is' if count == 1 else 'things are'} in the way"
    if all(obstacle.unreachable for obstacle in plan.blocked):
        raise UnreachableError(reason, help="; ".join(f"{one.subject}: {one.reason}" for one in plan.blocked))
    raise GuardRefusedError(reason, help="they are named above, each with what to do")
