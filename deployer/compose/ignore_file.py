"""Whether a `.dockerignore` leaves a path out of the build's context: docker-py's own reading of its patterns.

The expressions that it makes of patterns run in RE2: as many stars as somebody likes to write take no longer than one.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import re2
from docker.utils import fnmatch
from docker.utils.build import PatternMatcher

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence


def left_out(patterns: Sequence[str]) -> Callable[[str], bool]:
    """Whether a path, relative to the context, is not a part of it. A pattern that cannot be read leaves nothing out."""
    matcher = PatternMatcher(patterns)
    for pattern in matcher.patterns:
        pattern.match = _matching(pattern.cleaned_pattern)
    return lambda path: bool(matcher.matches(path))


def _matching(pattern: str) -> Callable[[str], bool]:
    options = re2.Options()
    options.log_errors, options.never_capture = False, True
    try:
        compiled = re2.compile(fnmatch.translate(pattern.lower()).encode(), options)
    except (re2.error, UnicodeEncodeError):
        return lambda _path: False
    return lambda path: compiled.match(path.lower().encode(errors="replace")) is not None
