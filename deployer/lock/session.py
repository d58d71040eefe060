"""The lock in the cluster's Consul: a key that a session holds, which this run renews for as long as it lives.

The key `deployer/CLUSTER/lock` stays when it is let go, so that its LockIndex counts every hold there ever was.
"""

from __future__ import annotations

import asyncio
import contextlib
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from deployer.consul.servers import reach
from deployer.consul.session import Sessions
from deployer.errors import BusyError, DeployerError
from deployer.lock.hold import Held, clock
from deployer.lock.holder import read_holder
from deployer.lock.unlock import broken_by, lock_key

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Sequence

    from deployer.consul.session import Entry
    from deployer.lock.hold import Patience
    from deployer.lock.holder import Holder
    from deployer.model.cluster import Cluster
    from deployer.remote import Link


@dataclass(frozen=True)
class Pace:
    """All in seconds, but for the clock."""

    ttl: float = 15
    """A dead holder's lock is free after one to two of these: Consul takes it as a lower bound. A live holder that cannot
    reach Consul begins no step after one of them."""
    renew: float = 4
    """Three tries within a TTL; also how soon a holder finds that its lock was broken."""
    lock_delay: float = 5
    """How long Consul keeps the lock from others when a session ends without letting go: longer than `renew`, so that a
    holder that is alive has noticed by then and begins no step any more. 0 would let both write; Consul's own 15 only cost
    time, as the versions make both correct."""
    grace: float = 30
    """How long beyond its TTL a holder waits for a Consul that does not answer (an upgrade of its server takes 2 to 10)
    before it gives up. Another may have the lock by then."""
    read_clock: Callable[[], float] = clock
    """By which all of these count."""


PACE: Final = Pace()
RELEASE_SECONDS: Final = 10.0
POLL_SECONDS: Final = 0.5


async def free_index(cluster: Cluster, link: Link) -> int | None:
    """How often the lock had been taken so far, where nobody holds it; None where somebody does, or Consul cannot be asked."""
    try:
        with contextlib.closing(await reach(cluster, link, Sessions)) as sessions:
            _, entry = await sessions.read(lock_key(cluster.name))
    except DeployerError:
        return None
    if entry is None:
        return 0
    return None if entry.session else entry.lock_index


@contextlib.asynccontextmanager
async def lock_in_consul(
    cluster: Cluster, link: Link, me: Holder, patience: Patience, *, killed: Sequence[Holder]
) -> AsyncIterator[Held]:
    """Hold the lock in the cluster's Consul. Raises BusyError, or what says that Consul cannot be asked."""
    with contextlib.closing(await reach(cluster, link, Sessions)) as sessions:
        async with session_lock(sessions, cluster.name, me, patience, killed=killed) as held:
            yield held


@contextlib.asynccontextmanager
async def session_lock(
    sessions: Sessions,
    cluster: str,
    me: Holder,
    patience: Patience,
    *,
    killed: Sequence[Holder] = (),
    pace: Pace = PACE,
) -> AsyncIterator[Held]:
    """Hold the lock; the hold is renewed in the background, and let go at the end, however that comes about."""
    key = lock_key(cluster)
    session, held = await _hold(sessions, key, me, patience, killed, pace)
    beat = asyncio.create_task(_keep(sessions, cluster, session, held, pace))
    try:
        yield held
    finally:
        beat.cancel()
        await asyncio.gather(beat, return_exceptions=True)
        if not await _let_go(sessions, key, me.under(session), session):
            patience.say(f"the lock could not be given back: it is free within {2 * pace.ttl + pace.lock_delay:g} s")


async def _hold(
    sessions: Sessions, key: str, me: Holder, patience: Patience, killed: Sequence[Holder], pace: Pace
) -> tuple[str, Held]:
    while True:
        if taken := await _taken(sessions, key, me, patience, killed, pace):
            return taken
        patience.barred()
        await asyncio.sleep(min(POLL_SECONDS, pace.lock_delay / 4))


async def _taken(
    sessions: Sessions, key: str, me: Holder, patience: Patience, killed: Sequence[Holder], pace: Pace
) -> tuple[str, Held] | None:
    """The session that has the key now, as ours. None where another was faster, or a dead holder's lock-delay runs."""
    left = await _free(sessions, key, patience, killed)
    asked = pace.read_clock()
    session = await sessions.create(f"deployer {me.who}"[:100], ttl=pace.ttl, lock_delay=pace.lock_delay)
    held = None
    try:
        if await sessions.acquire(key, me.under(session).encoded(), session):
            _, entry = await sessions.read(key)
            if entry and entry.session == session:
                held = Held(entry.lock_index, asked + pace.ttl, read_clock=pace.read_clock)
                if left:
                    patience.say(f"{left} left the lock behind: taken over")
    finally:
        if held is None:
            await _let_go(sessions, key, me, session)
    return (session, held) if held else None


async def _free(sessions: Sessions, key: str, patience: Patience, killed: Sequence[Holder]) -> Holder | None:
    """Wait until nobody holds the key. Gives the holder that did not let it go itself, if that is so; raises BusyError."""
    while True:
        try:
            index, entry = await sessions.read(key)
            holder = _named(entry)
            if not entry or not entry.session:
                return holder if holder and not holder.ended else None
            if holder and any(holder.run == one.run for one in killed):
                # The kernel took the lock file from it: it is dead, and there is nothing to wait for.
                await sessions.release(key, entry.value, entry.session)
                await sessions.destroy(entry.session)
                continue
            patience.held_by(holder)
            await sessions.read(key, index=index, wait=max(patience.left, 0.01))
        except BusyError:
            raise
        except DeployerError:
            if patience.seen is None:
                raise
            patience.held_by(patience.seen)  # it was held when last seen: a Consul that is silent has not let it go
            await asyncio.sleep(POLL_SECONDS)


def _named(entry: Entry | None) -> Holder | None:
    holder = read_holder(entry.value) if entry else None
    return holder.under(entry.session) if holder and entry else None


async def _keep(sessions: Sessions, cluster: str, session: str, held: Held, pace: Pace) -> None:
    """Renew the session until it turns out to be lost."""
    key = lock_key(cluster)
    pause = pace.renew
    while not held.lost:
        await asyncio.sleep(pause)
        asked = pace.read_clock()  # not when the answer is read: this process may have been stopped in between
        try:
            there = await sessions.renew(session)
            _, entry = await sessions.read(key)
            if there and entry and entry.session == session:
                held.renewed(asked + pace.ttl)
                pause = pace.renew
            else:
                held.lose(await _why(sessions, cluster, session, entry))
        except DeployerError as error:
            pause = pace.renew / 4
            if pace.read_clock() > held.fresh_until + pace.grace:
                held.lose(f"Consul has not answered for {pace.ttl + pace.grace:g} s ({error.message})")


async def _why(sessions: Sessions, cluster: str, session: str, entry: Entry | None) -> str:
    if broken := await broken_by(sessions, cluster, session):
        return broken
    if entry and entry.session:
        return f"{_named(entry)} has taken it over"
    return "Consul ended its session: this process did not renew it in time"


async def _let_go(sessions: Sessions, key: str, mine: Holder, session: str) -> bool:
    """Whether Consul was told. A lock that somebody else holds by now stays his: both calls name the session.

    It is told again until RELEASE_SECONDS are over: this run may have made Consul's container anew a moment ago.
    """
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(RELEASE_SECONDS):
            while True:
                try:
                    await sessions.release(key, mine.letting_go().encoded(), session)
                    await sessions.destroy(session)
                except DeployerError:
                    await asyncio.sleep(POLL_SECONDS)
                else:
                    return True
    return False
