"""Mistakes out of a file, so that the tool that stops at the first one finds the next: for finding problems only."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from deployer.compose.amount import MOST_VALUES
from deployer.compose.locate import present

if TYPE_CHECKING:
    from collections.abc import Sequence

    from deployer.compose.complaints import Mistake
    from deployer.compose.reading import Reading
    from deployer.compose.rules import Path

MOST: Final = 20
"""Runs of the tool for one stack: 0.05 s each."""
_SHALLOWEST: Final = 3  # a whole service or section would be missed elsewhere
_NEEDED: Final = "image"
_FEWEST: Final = 2


class Corrections:
    """The readings of one stack, which are changed: each is as it is after what was taken out so far."""

    def __init__(self, readings: Sequence[Reading]) -> None:
        self._readings = readings
        values = sum(reading.size for reading in readings)
        self._left = max(_FEWEST, min(MOST, MOST_VALUES // (20 * max(values, 1))))

    def take_out(self, mistakes: Sequence[Mistake]) -> list[Reading]:
        """Takes out the first of them; the readings that changed: none where that makes no sense, or enough were found."""
        self._left -= 1
        mistake = mistakes[0]
        at = mistake.at
        while at and isinstance(at[-1], int):  # an empty list may be a mistake of its own
            at = at[:-1]
        if self._left <= 0 or len(at) < _SHALLOWEST or (at[-1] == _NEEDED and not mistake.lacks_image):
            return []
        known = at[:-1] if mistake.lacks_image else at
        paths = {reading.path for reading in self._readings}
        path = mistake.file if mistake.file in paths else None
        for reading in self._readings:
            found = present(reading.value, known)
            if len(found) == len(known) and path in (None, reading.path):
                same = [one for one in self._readings if one.path == reading.path]
                for one in same:
                    _correct(one, present(one.value, known), lacks=at[len(known) :])
                return same
        return []


def _correct(reading: Reading, at: Path, lacks: Path) -> None:
    """Takes the value at `at` out, or puts a stand-in for what it `lacks`."""
    *above, last = at
    inside: Any = reading.value
    for step in above:
        inside = inside[step]
    if lacks:
        inside[last] = {**(inside[last] or {}), lacks[0]: "stand-in"}
    else:
        del inside[last]
        reading.forget(at)
