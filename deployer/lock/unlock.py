"""A lock that hangs, taken away by somebody who says why: who holds it, and the record that he finds."""

from __future__ import annotations

import contextlib
import json
from dataclasses import asdict
from typing import TYPE_CHECKING

from deployer.consul.servers import reach
from deployer.consul.session import Sessions
from deployer.errors import BusyError, GuardRefusedError
from deployer.lock.file import live_holder
from deployer.lock.holder import now, read_holder, whoami
from deployer.model.printable import printable

if TYPE_CHECKING:
    from pathlib import Path

    from deployer.lock.holder import Holder
    from deployer.model.cluster import Cluster
    from deployer.remote import Link

LONGEST_REASON = 500


def lock_key(cluster: str) -> str:
    return f"deployer/{cluster}/lock"


def unlocked_key(cluster: str) -> str:
    """Where the last `deployer unlock` is kept: who, when, why, and whose lock it was."""
    return f"deployer/{cluster}/unlocked"


async def locked_by(cluster: Cluster, link: Link, directory: Path) -> Holder | None:
    """Who holds the cluster's lock in Consul; None where nobody does.

    Raises BusyError where a live process of this machine holds the repository's own lock (that one is ended, not robbed),
    and UnreachableError where Consul cannot be asked.
    """
    _refuse_the_living(cluster.name, directory)
    if cluster.consul is None:
        return None
    with contextlib.closing(await reach(cluster, link, Sessions)) as sessions:
        return await _holder(sessions, cluster.name)


async def unlock(cluster: Cluster, link: Link, directory: Path, lock: str, reason: str) -> Holder | None:
    """Take the lock with that id from its holder, who finds the reason; None where nobody holds the lock.

    GuardRefusedError where it has another id by now; else as `locked_by`.
    """
    _refuse_the_living(cluster.name, directory)
    if cluster.consul is None:
        return None
    with contextlib.closing(await reach(cluster, link, Sessions)) as sessions:
        return await break_lock(sessions, cluster.name, lock, reason)


async def break_lock(sessions: Sessions, cluster: str, lock: str, reason: str) -> Holder | None:
    holder = await _holder(sessions, cluster)
    if holder is None:
        return None
    if holder.id != lock:
        raise GuardRefusedError(
            f"the lock of cluster {cluster} is {holder.id}, not {printable(lock[:100])}",
            help=f"it is held by {holder}; look again before you take it away",
        )
    record = {"who": whoami(), "when": now(), "reason": reason[:LONGEST_REASON], "lock": asdict(holder)}
    await sessions.put(unlocked_key(cluster), json.dumps(record).encode())  # first, so that the holder finds it
    await sessions.destroy(lock)
    return holder


async def broken_by(sessions: Sessions, cluster: str, session: str) -> str:
    """`bob@desk broke it: the laptop is at the bottom of the sea`; empty where nobody broke that hold."""
    _, entry = await sessions.read(unlocked_key(cluster))
    try:
        told = json.loads(entry.value) if entry else {}
        if told["lock"]["id"] != session:
            return ""
        return printable(f"{told['who']} broke it: {told['reason'] or 'no reason given'}"[: 2 * LONGEST_REASON])
    except (ValueError, TypeError, LookupError):
        return ""


async def _holder(sessions: Sessions, cluster: str) -> Holder | None:
    _, entry = await sessions.read(lock_key(cluster))
    if entry is None or not entry.session:
        return None
    holder = read_holder(entry.value or b"{}")
    return holder.under(entry.session) if holder else None


def _refuse_the_living(cluster: str, directory: Path) -> None:
    if holder := live_holder(directory, cluster):
        ending = f"end it: kill -INT {holder.pid}" if holder.pid else "wait for it"
        raise BusyError(f"cluster {cluster} is being applied by {holder}, which runs on this machine", help=ending)
