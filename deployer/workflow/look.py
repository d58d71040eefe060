"""Read and compile a commit while its machines are looked at."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Coroutine
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import replace
from typing import TYPE_CHECKING, Any, TypeVar

from deployer.cage.children import end_all
from deployer.compose import open_stacks
from deployer.diff.proxy import with_proxy
from deployer.errors import DeployerError
from deployer.remote import Link
from deployer.source import cluster_of, with_secrets
from deployer.workflow.validate import Say, Source, Validated, read_files, validate

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from deployer.model.allowed import Allowed
    from deployer.model.cluster import Cluster
    from deployer.source import Files

T = TypeVar("T")
Look = Callable[[str, "Cluster", Link], Coroutine[Any, Any, T]]
"""Called with a commit, its cluster and connections to its machines; returns what it saw of them."""


@asynccontextmanager
async def read_and_look(source: Source, say: Say, look: Look[T]) -> AsyncIterator[tuple[Validated, Link, T]]:
    """Yield what git says, validated; connections to its machines; and what `look` returns, which runs while the stacks compile.

    If both fail, what validation raises is raised. If a machine's sudo needs a password, `look` starts after validation, so that
    nobody is asked for the password of a commit that is not valid.
    """
    gone = threading.Event()

    def say_while_wanted(line: str) -> None:
        if gone.is_set():
            raise DeployerError("interrupted")  # to nobody: it ends the thread
        say(line)

    async with AsyncExitStack() as stack:
        stack.callback(end_all)  # what is compiled for nobody is ended
        stack.callback(gone.set)

        async def begin(commit: str, cluster: Cluster) -> tuple[Link, asyncio.Task[T]]:
            link = await stack.enter_async_context(Link(cluster))
            link.dial()
            looking = asyncio.ensure_future(look(commit, cluster, link))
            stack.push_async_callback(_end, looking)
            return link, looking

        files = await asyncio.to_thread(read_files, source)
        cluster = await asyncio.to_thread(_read_cluster_early, files, source.allowed)
        early = await begin(files.commit, cluster) if cluster else None
        validated = await asyncio.to_thread(validate_and_open, source, say_while_wanted, files)
        link, looking = early or await begin(files.commit, validated.desired.cluster)
        seen = await looking
        yield validated, link, seen


async def _end(looking: asyncio.Task[Any]) -> None:
    looking.cancel()
    await asyncio.gather(looking, return_exceptions=True)


def _read_cluster_early(files: Files, allowed: Allowed) -> Cluster | None:
    """Return the cluster before the stacks are read; None if something is wrong with it, or somebody may be asked for a password."""
    try:
        cluster = with_secrets(cluster_of(files, keep=True, allowed=allowed))
    except DeployerError:
        return None  # validation tells, with everything else that is wrong
    return None if any(node.ssh.sudo == "password" for node in cluster.nodes) else cluster


def validate_and_open(source: Source, say: Say, files: Files) -> Validated:
    """Validate, then add what validation does without. Raises what `validate` and `open_secrets` raise."""
    return open_secrets(validate(source, say, files))


def open_secrets(validated: Validated) -> Validated:
    """Add this machine's secrets, the plain text of encrypted files, and the proxy's networks."""
    desired = validated.desired
    return replace(
        validated,
        desired=replace(desired, cluster=with_secrets(desired.cluster)),
        objects=with_proxy(desired.cluster, open_stacks(desired.stacks, validated.objects)),
    )
