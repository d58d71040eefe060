"""The whole data flow, one line a stage; the only place where the stages meet.

source ─> compose ─> observe ─> diff ─> plan ─> execute ─> report
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from deployer.compose import compile_stacks
from deployer.diff import Diff, diff
from deployer.diff import status as status_of
from deployer.execute import Patience, cluster_lock, execute, file_lock, this_run
from deployer.observe import observe
from deployer.plan import Event, Plan, Report, build_plan
from deployer.remote import Link
from deployer.source import load, lock_directory

if TYPE_CHECKING:
    from pathlib import Path

    from deployer.model.desired import Desired
    from deployer.model.observed import Observed
    from deployer.model.problem import Problem
    from deployer.model.stack import StackObjects
    from deployer.model.status import Status

Say = Callable[[str], None]
"""Takes one plain line of progress."""
Listen = Callable[[Event], None]


@dataclass(frozen=True)
class Source:
    """Where the desired state is read from: a commit of a repository, or its working tree for trials."""

    repo: Path
    rev: str = "HEAD"
    worktree: bool = False


@dataclass(frozen=True)
class Validated:
    """A repository without errors: its desired state, and what its stacks compile to."""

    desired: Desired
    objects: tuple[StackObjects, ...]
    warnings: tuple[Problem, ...]


def validate(source: Source, say: Say) -> Validated:
    """Read and compile everything; nothing is asked of any machine. Raises InvalidFilesError with every problem."""
    desired = load(source.repo, rev=source.rev, worktree=source.worktree)
    compiled = compile_stacks(desired.stacks, say)
    return Validated(desired, compiled.objects, (*desired.warnings, *compiled.warnings))


def plan(source: Source, say: Say) -> Plan:
    """What `apply` would do now. Reads, never writes."""
    validated = validate(source, say)

    async def look() -> Plan:
        async with Link(validated.desired.cluster) as link:
            return (await _compare(validated, link, say))[2]

    return asyncio.run(look())


def apply(source: Source, say: Say, show: Callable[[Plan], None], listen: Listen, *, wait_lock: float = 0) -> Report:
    """Make it so. `show` gets the plan before the first write; the report says what became of every step of it.

    Raises BusyError where another run holds one of the cluster's locks for longer than `wait_lock` seconds. Where there is
    nothing to do, Consul's is not asked for; where there is, the cluster is looked at again under it: whoever held it
    before may have changed everything.
    """
    validated = validate(source, say)
    desired = validated.desired
    me, patience = this_run(desired.commit), Patience(desired.cluster.name, wait_lock, say)

    async def run() -> Report:
        here = file_lock(lock_directory(source.repo), desired.cluster.name, me, patience)
        async with here as killed, Link(desired.cluster) as link:
            observed, _, decided = await _compare(validated, link, say)
            if not decided.steps:
                show(decided)
                return await execute(decided, link, listen, say)
            async with cluster_lock(desired.cluster, observed, link, me, patience, killed=killed) as held:
                if held:
                    _, _, decided = await _compare(validated, link, say)
                show(decided)
                return await execute(decided, link, listen, say, held)

    return asyncio.run(run())


def status(source: Source, say: Say) -> Status:
    """How the cluster is, against what git says. Reads, never writes."""
    validated = validate(source, say)

    async def look() -> Status:
        async with Link(validated.desired.cluster) as link:
            observed, differences, _ = await _compare(validated, link, say)
            return status_of(validated.desired, validated.objects, observed, differences)

    return asyncio.run(look())


async def _compare(validated: Validated, link: Link, say: Say) -> tuple[Observed, Diff, Plan]:
    desired, objects = validated.desired, validated.objects
    say(f"asking {len(desired.cluster.nodes)} machines")
    observed = await observe(desired.cluster, link)
    differences = diff(desired, objects, observed)
    return observed, differences, build_plan(differences, desired, objects, observed)
