"""What is registered with the agent, as far as we know: read at each synchronisation, kept up with what we do ourselves."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

from deployer.model.registration import fits

if TYPE_CHECKING:
    from deployer.registrator.diff import Registered, Snapshot


class Ledger:
    """Entries by service id. May be used from several threads."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._entries: dict[str, Registered] = {}
        self._owned: dict[str, set[str]] = {}
        self._foreign: dict[str, Registered] = {}
        self._touched: set[str] = set()

    def begin(self) -> None:
        """A snapshot is about to be taken: what we do from now on is newer than it."""
        with self._lock:
            self._touched.clear()

    def load(self, snapshot: Snapshot) -> None:
        """Take over a snapshot, but for what we changed after `begin`."""
        with self._lock:
            kept = {id_: entry for id_, entry in self._entries.items() if id_ in self._touched}
            fresh = {entry.id: entry for entry in snapshot.ours if entry.id not in self._touched}
            self._entries = {**fresh, **kept}
            self._owned = {}
            for entry in self._entries.values():
                self._owned.setdefault(entry.owner, set()).add(entry.id)
            self._foreign = {entry.id: entry for entry in snapshot.foreign if entry.id not in self._touched}

    def of(self, owner: str) -> tuple[Registered, ...]:
        with self._lock:
            return tuple(self._entries[id_] for id_ in sorted(self._owned.get(owner, ())))

    def entry(self, service: str) -> Registered | None:
        with self._lock:
            return self._entries.get(service)

    def foreign(self, service: str) -> Registered | None:
        with self._lock:
            return self._foreign.get(service)

    def owners(self) -> set[str]:
        with self._lock:
            return set(self._owned)

    def any_id(self) -> str | None:
        """Some entry that can be asked for: as long as it is there, the agent has not lost its memory."""
        with self._lock:
            return next((id_ for id_ in self._entries if fits(id_)), None)

    def add(self, entry: Registered) -> None:
        with self._lock:
            self._touched.add(entry.id)
            self._foreign.pop(entry.id, None)
            self._entries[entry.id] = entry
            self._owned.setdefault(entry.owner, set()).add(entry.id)

    def remove(self, service: str) -> None:
        with self._lock:
            self._touched.add(service)
            if entry := self._entries.pop(service, None):
                ids = self._owned[entry.owner]
                ids.discard(service)
                if not ids:
                    del self._owned[entry.owner]

    def __len__(self) -> int:
        with self._lock:
            return len(self._entries)
