"""By how much a machine's clock is ahead of this one's, for people."""

from __future__ import annotations

from typing import Final

NOISE: Final = 2.0
"""Seconds: an answer takes some, and a machine tells whole ones."""


def clock_words(ahead: float | None) -> str:
    """`12 min behind`; `ok` where it cannot be told from the way that an answer takes, empty where nobody asked."""
    if ahead is None:
        return ""
    off = abs(ahead)
    if off < NOISE:
        return "ok"
    shown = f"{off:.0f} s" if off < 120 else f"{off / 60:.0f} min" if off < 7200 else f"{off / 3600:.0f} h"
    return f"{shown} {'ahead' if ahead > 0 else 'behind'}"
