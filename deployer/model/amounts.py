"""Numbers and lengths of time in words, and back. Pure."""

from __future__ import annotations

import re
from typing import Final

_DURATION: Final = re.compile(r"([0-9]{1,6}(?:\.[0-9]{1,6})?)(s|m|h|)")
_SECONDS: Final = {"": 1, "s": 1, "m": 60, "h": 3600}


def plural(count: int, word: str) -> str:
    """`1 file`, `2 files`"""
    return f"{count} {words(count, word)}"


def words(count: int, word: str) -> str:
    """`file` where there is one, else `files`."""
    return word if count == 1 else f"{word}s"


def parse_duration(text: str) -> float:
    """Seconds: `90`, `90s`, `5m`, `1h`, `1.5h`. Raises ValueError, which says what is wrong with it."""
    found = _DURATION.fullmatch(text)
    if not found:
        raise ValueError(f"{text[:60]!r} is no duration such as 90s, 5m or 1h")
    return float(found[1]) * _SECONDS[found[2]]


def duration(seconds: float) -> str:
    """How long something took: `0.4 s`, `41.3 s`, `3 min 12 s`, `72 min 0 s`."""
    return f"{seconds:.1f} s" if seconds < 60 else "{} min {} s".format(*divmod(round(seconds), 60))


def rough_duration(seconds: float) -> str:
    """For how long something has been so: `12 s`, `3 min 12 s`, `1 h 4 min`."""
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours} h {minutes} min" if hours else f"{minutes} min {rest} s" if minutes else f"{rest} s"
