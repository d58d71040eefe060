"""The first half of the data flow and the looking, both at once: machines are asked while stacks are read and compiled.

source ─> compose
observe
"""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Coroutine
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import replace
from typing import TYPE_CHECKING, Any, TypeVar

from deployer.compose import open_stacks
from deployer.errors import DeployerError
from deployer.remote import Link
from deployer.source import load_cluster, with_secrets
from deployer.validation import Say, Source, Validated, validate

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from deployer.model.cluster import Cluster

T = TypeVar("T")
Look = Callable[[str, "Cluster", Link], Coroutine[Any, Any, T]]
"""A commit, its cluster and connections in, what is seen of the machines out."""


@asynccontextmanager
async def begun(source: Source, say: Say, look: Look[T]) -> AsyncIterator[tuple[Validated, Link, T]]:
    """What git says, validated, and what `look` sees of the machines, while the stacks are read and compiled.

    What validation raises comes before what `look` does. Where somebody may be asked for a password it is not begun before.
    """
    gone = threading.Event()

    def heard(line: str) -> None:
        if gone.is_set():
            raise DeployerError("interrupted")  # to nobody: it ends the thread
        say(line)

    async with AsyncExitStack() as stack:
        stack.callback(gone.set)

        async def begin(commit: str, cluster: Cluster) -> tuple[Link, asyncio.Task[T]]:
            link = await stack.enter_async_context(Link(cluster))
            link.dial()
            looking = asyncio.ensure_future(look(commit, cluster, link))
            stack.push_async_callback(_ended, looking)
            return link, looking

        early = await asyncio.to_thread(_promptly, source)
        begun = await begin(*early) if early else None
        if early and not source.worktree:
            source = replace(source, rev=early[0])  # whatever the branch does meanwhile
        validated = await asyncio.to_thread(prepared, source, heard)
        link, looking = begun or await begin(validated.desired.commit, validated.desired.cluster)
        if link.cluster != validated.desired.cluster:
            raise DeployerError("files under cluster/ were written to while they were read", help="run it again")
        yield validated, link, await looking


async def _ended(looking: asyncio.Task[Any]) -> None:
    looking.cancel()
    await asyncio.gather(looking, return_exceptions=True)


def _promptly(source: Source) -> tuple[str, Cluster] | None:
    """The commit and the cluster, where they can be had without the stacks: not where something is wrong, or somebody may be asked."""
    try:
        commit, cluster = load_cluster(source.repo, rev=source.rev, worktree=source.worktree)
        cluster = with_secrets(cluster)
    except DeployerError:
        return None  # validation tells, with everything else that is wrong
    return None if any(node.ssh.sudo == "password" for node in cluster.nodes) else (commit, cluster)


def prepared(source: Source, say: Say) -> Validated:
    """Validated, with what validation does without: secrets on this machine, and what is encrypted in the repository; the proxy joined."""
    return opened(validate(source, say))


def opened(validated: Validated) -> Validated:
    from deployer.diff import with_proxy  # noqa: PLC0415 - validation does without

    desired = validated.desired
    return replace(
        validated,
        desired=replace(desired, cluster=with_secrets(desired.cluster)),
        objects=with_proxy(desired.cluster, open_stacks(desired.stacks, validated.objects)),
    )
