"""The first half of the data flow and the looking, both at once: machines are asked while stacks are read and compiled.

source ─> compose
observe
"""

from __future__ import annotations

import asyncio
import signal
import threading
from collections.abc import Callable, Coroutine
from contextlib import AsyncExitStack, asynccontextmanager, contextmanager
from dataclasses import replace
from typing import TYPE_CHECKING, Any, TypeVar

from deployer.cage.children import end_all
from deployer.compose import open_stacks
from deployer.errors import DeployerError
from deployer.remote import Link
from deployer.source import cluster_of, with_secrets
from deployer.validation import Say, Source, Validated, read, validate

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator

    from deployer.model.allowed import Allowed
    from deployer.model.cluster import Cluster
    from deployer.source import Files

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
        stack.callback(end_all)  # what is compiled for nobody is ended
        stack.callback(gone.set)

        async def begin(commit: str, cluster: Cluster) -> tuple[Link, asyncio.Task[T]]:
            link = await stack.enter_async_context(Link(cluster))
            link.dial()
            looking = asyncio.ensure_future(look(commit, cluster, link))
            stack.push_async_callback(_ended, looking)
            return link, looking

        with _interrupted_between_tasks():
            files = await asyncio.to_thread(read, source)
            cluster = await asyncio.to_thread(_promptly, files, source.allowed)
            early = await begin(files.commit, cluster) if cluster else None
            validated = await asyncio.to_thread(prepared, source, heard, files)
            link, looking = early or await begin(files.commit, validated.desired.cluster)
            seen = await looking
        yield validated, link, seen


@contextmanager
def _interrupted_between_tasks() -> Iterator[None]:
    """Asyncio's own handler for Ctrl-C cancels whatever is in the middle of something, such as the taking over of a thread's result, which
    then complains with a traceback. From the loop it finds everything at rest.
    """
    handler = signal.getsignal(signal.SIGINT)
    if not callable(handler) or handler is signal.default_int_handler:
        yield  # not asyncio's: somebody ignores it, or it is no main thread
        return
    loop = asyncio.get_running_loop()
    loop.add_signal_handler(signal.SIGINT, handler, signal.SIGINT, None)
    try:
        yield
    finally:
        loop.remove_signal_handler(signal.SIGINT)
        signal.signal(signal.SIGINT, handler)


async def _ended(looking: asyncio.Task[Any]) -> None:
    looking.cancel()
    await asyncio.gather(looking, return_exceptions=True)


def _promptly(files: Files, allowed: Allowed) -> Cluster | None:
    """The cluster, where it can be had without the stacks: not where something is wrong, or somebody may be asked."""
    try:
        cluster = with_secrets(cluster_of(files, keep=True, allowed=allowed))
    except DeployerError:
        return None  # validation tells, with everything else that is wrong
    return None if any(node.ssh.sudo == "password" for node in cluster.nodes) else cluster


def prepared(source: Source, say: Say, files: Files) -> Validated:
    """Validated, with what validation does without: secrets on this machine, and what is encrypted in the repository; the proxy joined."""
    return opened(validate(source, say, files))


def opened(validated: Validated) -> Validated:
    from deployer.diff import with_proxy  # noqa: PLC0415 - validation does without

    desired = validated.desired
    return replace(
        validated,
        desired=replace(desired, cluster=with_secrets(desired.cluster)),
        objects=with_proxy(desired.cluster, open_stacks(desired.stacks, validated.objects)),
    )
