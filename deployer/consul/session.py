"""Consul's sessions and the keys that they lock, as py-consul's API over a machine's one connection.

A session lives as long as it is renewed; a key that it holds is free when it ends. Consul takes the TTL as a lower bound:
an abandoned session ends after one to two of them, and then its keys stay barred for the session's lock-delay.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from consul.callback import CB
from consul.exceptions import NotFound

from deployer.consul.catalogue import NOT_UNDERSTOOD, Catalogue, ConsulError, segment, segments

if TYPE_CHECKING:
    from collections.abc import Awaitable

LONGEST_WAIT: Final = 5.0
"""Seconds that one blocking query may take: well inside the time that a request has."""


@dataclass(frozen=True)
class Entry:
    """A key as Consul has it. `session` is empty where nobody holds it; `lock_index` counts how often it was taken."""

    value: bytes
    session: str
    lock_index: int


class Sessions(Catalogue):
    """Sessions and keys of a Consul. All methods raise ConsulError, ConnectionFailedError, or TimedOutError."""

    async def read(self, key: str, *, index: str = "", wait: float = 0) -> tuple[str, Entry | None]:
        """The key as a majority of the servers has it, and the index of that state.

        With the `index` of an earlier answer it waits until something else is true, at most `wait` seconds. Consistent,
        because Consul's default reads may be stale.
        """
        patience = {"index": index, "wait": f"{min(wait, LONGEST_WAIT):.3f}s"} if index and wait > 0 else {}
        at, told = await self._said(self._api.kv.get(segments(key), consistency="consistent", **patience))
        return str(at), None if told is None else await self._said(_entry(told))

    async def create(self, name: str, *, ttl: float, lock_delay: float) -> str:
        """A new session's id. Nothing but its TTL ends it: the health of some machine says nothing about the holder.

        Not by py-consul's `session.create`: 1.8.0 knows only `Checks`, which Consul 1.7 replaced, and whole seconds.
        """
        lives = {"Name": name, "TTL": f"{ttl:g}s", "LockDelay": f"{lock_delay:g}s", "Behavior": "release"}
        data = json.dumps({**lives, "NodeChecks": [], "Checks": []})
        headers = self._api.prepare_headers()
        put = self._api.http.put(CB.json(is_id=True), "/v1/session/create", data=data, headers=headers)
        return str(await self._said(put))

    async def renew(self, session: str) -> bool:
        """Whether the session is still there; if it is, its TTL starts again."""
        return bool(await self._said(_unless_gone(self._api.session.renew(segment(session)))))

    async def destroy(self, session: str) -> None:
        """End the session, whoever holds it; it need not be there."""
        await self._said(self._api.session.destroy(segment(session)))

    async def acquire(self, key: str, value: bytes, session: str) -> bool:
        """Whether the key is the session's now. It is not while another holds it, or the lock-delay of one that died runs."""
        return bool(await self._said(self._api.kv.put(segments(key), value, acquire=session)))

    async def release(self, key: str, value: bytes, session: str) -> bool:
        """Whether the key was the session's, and is free now; at once, as a lock-delay is only for those that died."""
        return bool(await self._said(self._api.kv.put(segments(key), value, release=session)))

    async def put(self, key: str, value: bytes) -> None:
        if not await self._said(self._api.kv.put(segments(key), value)):
            raise ConsulError(f"Consul: it does not take the key {key}")

    async def _said(self, call: Awaitable[Any]) -> Any:
        try:
            return await self._ask(call)
        except NOT_UNDERSTOOD:
            raise ConsulError("Consul: an answer of it is none") from None


async def _entry(told: Any) -> Entry:
    """Raises whatever a malformed one does."""
    return Entry(bytes(told["Value"] or b""), str(told.get("Session") or ""), int(told["LockIndex"]))


async def _unless_gone(call: Awaitable[Any]) -> Any:
    try:
        return await call
    except NotFound:
        return None
