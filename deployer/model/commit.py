"""Commits, as people say them."""

from __future__ import annotations

import re
from typing import Final

SHORT_COMMIT: Final = 10


def short(commit: str) -> str:
    """A commit's id as people say it; `worktree` as it is."""
    return commit[:SHORT_COMMIT] if re.fullmatch(r"[0-9a-f]{40,64}", commit) else commit
