"""What `deployer unlock` prints: who holds the cluster's lock, or who lost it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from deployer.report.document import Document, Part

if TYPE_CHECKING:
    from collections.abc import Mapping


class LockDocument(Part, frozen=True):
    id: str
    who: str
    """user@host"""
    pid: str
    commit: str
    since: str
    """ISO 8601, UTC."""
    run: str


class UnlockDocument(Document, frozen=True, kw_only=True):
    type: Literal["unlock"] = "unlock"
    cluster: str
    lock: LockDocument | None
    """The one that was taken away; null where the cluster was not locked."""
    reason: str


def lock_text(cluster: str, holder: object, lock: str) -> str:
    return f"Cluster {cluster} is locked by {holder}\nLock: {lock}\n"


def unlocked_text(cluster: str, holder: object | None) -> str:
    if holder is None:
        return f"Cluster {cluster} is not locked.\n"
    return f"The lock of {holder} is taken away: cluster {cluster} is free.\n"


def unlock_document(cluster: str, lock: Mapping[str, str] | None, reason: str) -> UnlockDocument:
    return UnlockDocument(cluster=cluster, lock=LockDocument(**lock) if lock else None, reason=reason)
