"""Why something is to be done."""

from __future__ import annotations

from enum import StrEnum


class Cause(StrEnum):
    """Why something is to be done: the closed list."""

    NOT_FOUND = "not found"
    CHANGED = "changed in git"
    IMAGE = "image differs"
    MOVED = "image moved"
    DRIFTED = "drifted"
    CHANGED_AND_DRIFTED = "changed in git, and drifted"
    COUNT = "count differs"
    NOT_RUNNING = "not running"
    NOT_HEALTHY = "not healthy yet"
    UNKNOWN = "could not be read"
    ASKED = "asked for"
    GONE = "not in git any more"
    SUPERSEDED = "superseded"
    REPLACED = "its network is replaced"
