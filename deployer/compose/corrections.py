"""Mistakes out of a file, so that the tool that stops at the first one finds the next: for finding problems only."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any, Final

from deployer.compose.encode import encode
from deployer.compose.locate import present

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from deployer.compose.complaints import Mistake
    from deployer.compose.rules import Path
    from deployer.document import Document

MOST: Final = 20
"""Runs of the tool for one stack: 0.05 s each."""
_SHALLOWEST: Final = 3  # a whole service or section would be missed elsewhere
_NEEDED: Final = "image"
_TAGS: Final = re.compile(r"!reset|!override")


class Corrections:
    """The documents of one stack, as they are after what was taken out so far."""

    def __init__(self, documents: Mapping[str, Document]) -> None:
        self._documents = documents
        self._values: dict[str, Any] = {}
        self._left = MOST

    def take_out(self, mistakes: Sequence[Mistake]) -> tuple[str, bytes] | None:
        """Takes out the first of them; the file and its new text. None where that makes no sense, or enough were found."""
        self._left -= 1
        mistake = mistakes[0]
        at = mistake.at
        while at and isinstance(at[-1], int):  # an empty list may be a mistake of its own
            at = at[:-1]
        if self._left <= 0 or len(at) < _SHALLOWEST or (at[-1] == _NEEDED and not mistake.lacks_image):
            return None
        known = at[:-1] if mistake.lacks_image else at
        for path in [mistake.file] if mistake.file in self._documents else list(self._documents):
            document = self._documents[str(path)]
            if any(_TAGS.search(line) for line in document.lines):
                continue  # they would be lost on the way
            value = self._values.get(document.path, document.value)
            if len(present(value, known)) == len(known):
                self._values[document.path] = value = _corrected(value, present(value, known), lacks=at[len(known) :])
                return str(path), encode(value)
        return None


def _corrected(value: Any, at: Path, lacks: Path) -> Any:
    """A copy without the value at `at`, or with a stand-in for what it `lacks`; aliases share objects in the original only."""
    result = json.loads(json.dumps(value))
    inside = result
    for step in at[:-1]:
        inside = inside[step]
    if not lacks:
        del inside[at[-1]]
    else:
        inside[at[-1]] = {**(inside[at[-1]] or {}), lacks[0]: "stand-in"}
    return result
