"""A lock in, who holds it or who lost it out. Holders come as text and as their fields: they are the execute stage's."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from deployer.report.documents import head

if TYPE_CHECKING:
    from collections.abc import Mapping


def lock_text(cluster: str, holder: object, lock: str) -> str:
    return f"Cluster {cluster} is locked by {holder}\nLock: {lock}\n"


def unlocked_text(cluster: str, holder: object | None) -> str:
    if holder is None:
        return f"Cluster {cluster} is not locked.\n"
    return f"The lock of {holder} is taken away: cluster {cluster} is free.\n"


def unlock_document(cluster: str, lock: Mapping[str, str] | None, reason: str) -> dict[str, Any]:
    """`lock` is the one that was taken away; null where the cluster was not locked."""
    return {**head("unlock"), "cluster": cluster, "lock": lock and dict(lock), "reason": reason}
